"""Some dozen leads of every kind, and what finding them must give, told in the plainest way."""

from __future__ import annotations

import datetime
import random
import zoneinfo
from dataclasses import dataclass, field

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member
from stagewise.endpoints.actions import add_endpoint
from stagewise.leads import news
from stagewise.leads.finding import Filters
from stagewise.leads.models import Lead, LeadAttribution, LeadRepeat, LeadTag, LeadTask, Tag
from stagewise.leads.search import email_key, matches, name_key, phone_key, terms, text_of
from stagewise.worker.derive import derive
from tests.support import cast
from tests.support.cast import Cast, Place

HOUR, DAY = 3_600_000, 86_400_000

NAMES = ("Ada Lovelace", "ada l.", "Grace Hopper", "Jürgen Müller", "Äda", "Ольга Дуб", "陽子 山田", "O'Brien %_\\")
EMAILS = ("ada@example.com", "grace@example.com", "j.m@bücher.example", "o@example.org")
PHONES = (("+49 (0) 170 / 123 45 67", "+491701234567"), ("(202) 555-0123", "+12025550123"), ("٠١٢ ٣٤", None))
MESSAGES = (None, "Please call me back.", "We would like a quote\nfor the roof", "call")
SEARCHES = ("", "ad", "ada", "ADA", "call", "call back", "ro", "example.org", "0170 123", "12", "%", "山田", "zzz")


@dataclass
class World:
    """A workspace full of leads; everything that can be filtered by."""

    place: Place
    members: list[Member] = field(default_factory=list)
    tags: list[Tag] = field(default_factory=list)
    endpoints: list[int] = field(default_factory=list)
    #: Those of Acme with all that hangs on them, as they are when somebody first looks.
    _leads: list[Lead] = field(default_factory=list)

    @property
    def leads(self) -> list[Lead]:
        """The leads of Acme."""
        if not self._leads:
            found = Lead.objects.filter(workspace=self.place.workspace)
            found = found.select_related("stage", "lead_type", "attribution", "repeat")
            self._leads = list(found.prefetch_related("lead_tags", "tasks"))
        return self._leads


def build(there: Cast, leads: int = 45, derived: int = 35) -> World:
    """Fill Acme, and a little of what is next door; the last leads are not derived yet."""
    chance, world = random.Random(7), World(there.acme)
    world.members = list(Member.objects.filter(workspace=there.acme.workspace).order_by("pk"))
    world.endpoints = [there.acme.endpoint.pk, add_endpoint(there.acme.workspace, "Shop").pk]
    names = ("VIP", "Later", "Press")
    world.tags = [
        Tag.objects.create(workspace=there.acme.workspace, name=name, name_key=name.lower()) for name in names
    ]
    Lead.objects.all().delete()
    # In the order of ids, as they come; some of the same moment.
    ages = sorted((chance.choice((0, 1, 5, 30, 300)) * DAY // 10 for _ in range(leads)), reverse=True)
    for number, age in enumerate(ages):
        place = there.next_door if number % 10 == 9 else there.acme
        _lead(world, place, chance, now_ms() - age)
        if number == derived:
            derive(1_000)
    return world


def _lead(world: World, place: Place, chance: random.Random, at: int) -> None:
    kind = chance.choice(place.types)
    phone, e164 = chance.choice(PHONES)
    changed = chance.choice((None, None, at + 5, at + 7))
    # One in ten was held for a while.
    released = at if chance.random() < 0.1 else None
    made = cast.lead(
        place,
        lead_type=kind,
        stage=chance.choice(list(kind.stages.all())),
        name=chance.choice(NAMES),
        email=chance.choice(EMAILS),
        phone=phone,
        phone_e164=e164,
        message=chance.choice(MESSAGES),
        test=chance.random() < 0.1,
        created_at=at - (2 * DAY if released else 0),
        released_at=released,
        changed_at=changed,
        endpoint_id=chance.choice([*world.endpoints, None]) if place is world.place else place.endpoint.pk,
        owner=chance.choice([None, *world.members]) if place is world.place else None,
    )
    workspace = place.workspace.pk
    if chance.random() < 0.4:
        source, campaign = chance.choice(("news", "search")), chance.choice(("a", None))
        LeadAttribution.objects.create(lead=made, workspace_id=workspace, utm_source=source, utm_campaign=campaign)
    if chance.random() < 0.2:
        LeadRepeat.objects.create(lead=made, workspace_id=workspace, count=2, first_at=at, last_at=at)
    if place is world.place:
        for tag in world.tags:
            if chance.random() < 0.3:
                LeadTag.objects.create(workspace_id=workspace, tag=tag, lead=made)
        for _ in range(chance.choice((0, 0, 1, 2))):
            due = now_ms() + chance.choice((-2, 0, 2, 2)) * DAY
            done = due if chance.random() < 0.3 else None
            LeadTask.objects.create(
                workspace_id=workspace, lead=made, text="Call", due_at=due, done_at=done, created_at=at
            )


def expected(world: World, filters: Filters) -> list[int]:
    """The row ids of the leads that are meant, in order."""
    found = [lead for lead in world.leads if _is_meant(lead, filters, world)]
    found.sort(key=lambda lead: -lead.pk)
    match filters.sort:
        case "oldest":
            found.reverse()
        case "changed":
            found.sort(key=lambda lead: (lead.changed_at is None, -(lead.changed_at or 0)))
        case "name":
            waiting = [lead for lead in found if lead.derived_at is None]
            rest = [lead for lead in found if lead.derived_at is not None]
            found = waiting + sorted(rest, key=lambda lead: (name_key(lead.name), lead.pk))
        case "due":
            planned = [lead for lead in found if _dues(lead)]
            rest = [lead for lead in found if not _dues(lead)]
            found = sorted(planned, key=lambda lead: (min(_dues(lead)), lead.pk)) + rest
    return [lead.pk for lead in found]


def _dues(lead: Lead) -> list[int]:
    return [task.due_at for task in lead.tasks.all() if task.done_at is None]


def _is_meant(lead: Lead, filters: Filters, world: World) -> bool:
    if filters.again == "before" and not _wrote_before(lead, world):
        return False
    return all(fits(lead, filters) for fits in (_row_fits, _work_fits, _text_fits, _days_fit))


def _row_fits(lead: Lead, filters: Filters) -> bool:
    owners = {"": True, "me": lead.owner_id == filters.me, "nobody": lead.owner_id is None}
    owners |= {"anybody": lead.owner_id is not None}
    return all(
        (
            filters.lead_type in (None, lead.lead_type_id),
            not filters.stages or lead.stage_id in filters.stages,
            filters.kind in ("", lead.stage.kind),
            owners.get(filters.owner, str(lead.owner_id) == filters.owner),
            filters.endpoint is None or filters.endpoint == (lead.endpoint_id or 0),
            {"": True, "hide": not lead.test, "only": lead.test}[filters.test],
            not filters.fresh or news.is_new(lead, now_ms()),
        )
    )


def _work_fits(lead: Lead, filters: Filters) -> bool:
    tags = {each.tag_id for each in lead.lead_tags.all()}
    known = getattr(lead, "attribution", None)
    zone = zoneinfo.ZoneInfo(filters.zone or "UTC")
    tomorrow = datetime.datetime.now(zone).date() + datetime.timedelta(days=1)
    end = datetime.datetime.combine(tomorrow, datetime.time(), zone).timestamp() * 1000
    dues = {"": True, "any": bool(_dues(lead)), "none": not _dues(lead), "today": min(_dues(lead), default=end) < end}
    return all(
        (
            tags.issuperset(filters.tags),
            not filters.source or (known is not None and known.utm_source == filters.source),
            not filters.campaign or (known is not None and known.utm_campaign == filters.campaign),
            dues[filters.due],
            filters.again != "again" or hasattr(lead, "repeat"),
        )
    )


def _wrote_before(lead: Lead, world: World) -> bool:
    """By the same address or number; of leads that are not derived yet that is not known."""
    return lead.derived_at is not None and any(
        email_key(each.email) == email_key(lead.email)
        or phone_key(each.phone, each.phone_e164) == phone_key(lead.phone, lead.phone_e164)
        for each in world.leads
        if each.pk < lead.pk and each.derived_at is not None
    )


def _text_fits(lead: Lead, filters: Filters) -> bool:
    text = text_of(lead.name, lead.email, lead.phone, lead.phone_e164, lead.message)
    return matches(text, terms(filters.search))


def _days_fit(lead: Lead, filters: Filters) -> bool:
    zone = zoneinfo.ZoneInfo(filters.zone or "UTC")
    first, last = filters.days(datetime.datetime.now(zone).date())
    day = datetime.datetime.fromtimestamp(lead.created_at / 1000, zone).date()
    return (first is None or day >= first) and (last is None or day <= last)
