"""What a small studio has in its console on a Tuesday: people, leads in every stage, calls, channels, an alert.

``python -m tests.support.studio`` fills the empty installation that the environment names. The pictures of the
documentation show it, and the test that visits every page opens it. All names, numbers and addresses are made up, and
always the same; times are relative to now.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest.mock import patch

import django

if TYPE_CHECKING:
    from stagewise.accounts.models import Member, Workspace
    from stagewise.endpoints.models import Endpoint
    from stagewise.leads.models import Lead

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
PASSWORD: Final = "correct horse battery staple"
#: The random part of the endpoint's URL.
KEY: Final = "Vn4tQ8sWz2LkR7cYb9HdXf3M"
SERVER, STRANGER = "203.0.113.7", "198.51.100.23"

#: Address → name, role.
PEOPLE: Final = {
    "olga@example.com": ("Olga Weber", "owner"),
    "adam@example.com": ("Adam Okafor", "admin"),
    "agnes@example.com": ("Agnes Lindqvist", "agent"),
}


class Visitor(NamedTuple):
    """A lead: minutes since it came, who wrote, of which type, what, the stage it is in, and whose it is."""

    minutes: int
    name: str
    phone: str
    lead_type: str
    message: str
    stage: str = "New"
    owner: str = ""


#: Newest first. Whoever nobody has touched yet is new.
VISITORS: Final = (
    Visitor(4, "Grace Hopper", "+1 202 555 0119", "Support", "The invoice of last month shows the wrong address."),
    Visitor(34, "Mary Jackson", "+1 757 555 0184", "General", "Could you call me back about the wind tunnel model?"),
    Visitor(75, "Dorothy Vaughan", "+1 757 555 0131", "Sales", "We need twelve desks for a new office by March."),
    Visitor(190, "Katherine Johnson", "+1 757 555 0172", "General", "I would like an appointment on Tuesday."),
    Visitor(
        410, "Annie Easley", "+1 216 555 0143", "Sales", "Please send me your price list for standing desks.",
        "Contacted", "agnes@example.com",
    ),
    Visitor(
        900, "Alan Turing", "+44 161 496 0012", "Sales", "How long does delivery to Manchester take?",
        "Contacted", "agnes@example.com",
    ),
    Visitor(
        1500, "Ada Lovelace", "+44 20 7946 0018", "Sales", "Is the oak table in your window still for sale?",
        "Qualified", "olga@example.com",
    ),
    Visitor(2400, "Emmy Noether", "+49 30 901820", "General", "Do you also repair chairs?", "Qualified"),
    Visitor(
        3600, "Hedy Lamarr", "+1 323 555 0147", "Sales", "A shelf of 2.40 m in walnut, please. What would that cost?",
        "Qualified", "olga@example.com",
    ),
    Visitor(
        5100, "Barbara Liskov", "+1 617 555 0166", "Sales", "Six meeting room tables, delivered to Boston.",
        "Won", "agnes@example.com",
    ),
    Visitor(6200, "فاطمة الزهراء", "+971 4 555 0110", "General", "أرغب في الحصول على عرض أسعار لطاولة خشبية."),
    Visitor(
        7400, "Edsger Dijkstra", "+31 20 555 0122", "Support", "The drawer of my desk sticks.",
        "Won", "adam@example.com",
    ),
    Visitor(
        9000, "Radia Perlman", "+1 425 555 0155", "Sales", "Could you match this offer?", "Lost", "olga@example.com",
    ),
    Visitor(10500, "Niklaus Wirth", "+41 44 555 0133", "General", "Where can I see your furniture?", "Won"),
    Visitor(12500, "Frances Allen", "+1 914 555 0178", "Support", "One screw was missing in the box.", "Lost"),
)  # fmt: skip
#: Older ones have these names, and wrote one of these.
_OTHERS: Final = (
    "Ken Thompson",
    "Jean Bartik",
    "John Backus",
    "Sophie Wilson",
    "Lynn Conway",
    "Tony Hoare",
    "Kathleen Booth",
    "Peter Naur",
    "Adele Goldberg",
    "Butler Lampson",
    "Mary Shaw",
    "Ivan Sutherland",
)
_WROTE: Final = (
    "Thank you for the catalogue. Which of these are in stock?",
    "Could you send me a sample of the walnut?",
    "We are moving in May and need shelves for two rooms.",
    "The table arrived today. One leg is shorter than the others.",
    "Do you take old furniture away when you deliver?",
    "Please call me about the kitchen that we talked about.",
)  # fmt: skip
#: What a bot leaves behind.
HELD: Final = (
    ("Frank Miller", "frank@example.org", "honeypot",
     "I saw your website and can bring you to the first page of every search engine."),
    ("Best Deals", "deals@example.net", "links", "Look: www.example.net/one www.example.net/two www.example.net/three"),
)  # fmt: skip
#: Refused calls by outcome: the status, and how many there are on a day at most.
_REFUSED: Final = {
    "ip_not_allowed": (403, 3),
    "origin_not_allowed": (403, 1),
    "rate_limited": (429, 2),
    "missing_fields": (422, 1),
}


def fill() -> Workspace:
    """Fill the first workspace; it must be as a first start makes it."""
    from stagewise.accounts.clock import now_ms
    from stagewise.accounts.models import Workspace
    from stagewise.core.versions import new_version
    from stagewise.endpoints.models import Endpoint, EndpointKey
    from stagewise.notify.models import Event

    workspace = Workspace.objects.get()
    workspace.name, workspace.default_region = "Acme Studio", "US"
    workspace.save()
    endpoint, now = Endpoint.objects.get(workspace=workspace), now_ms()
    endpoint.allowed_ips, endpoint.max_leads_per_ip, endpoint.forwarding = [SERVER], 20, True
    endpoint.holding = {"honeypot": True, "max_links": 2}
    endpoint.version = new_version()
    endpoint.save()
    EndpointKey.objects.update(key=KEY)
    members = _people(workspace)
    for each in sorted([*_older(), *VISITORS], reverse=True):
        lead = _lead(workspace, endpoint, each, now)
        if each.stage != "New":
            _work(lead, each, members, now)
        if each.name == "Ada Lovelace":
            _talk(lead, members, now)
    _hold(workspace, endpoint, now)
    _calls(workspace, endpoint, now)
    _channels(workspace, lead, now)
    # Nobody is really told.
    Event.objects.update(dispatched_at=now)
    return workspace


@contextmanager
def clock(at: int) -> Iterator[None]:
    """Within, it is ``at`` (milliseconds since 1970) for all that asks :func:`stagewise.accounts.clock.now_ms`."""
    with ExitStack() as stack:
        for name, module in list(sys.modules.items()):
            if name.startswith("stagewise.") and hasattr(module, "now_ms"):
                stack.enter_context(patch.object(module, "now_ms", lambda: at))
        yield


def _people(workspace: Workspace) -> dict[str, Member]:
    from stagewise.accounts import actions
    from stagewise.accounts.models import Member

    members = {}
    for email, (name, role) in PEOPLE.items():
        user = actions.add_user(workspace, email, role, PASSWORD)
        user.name = name
        user.save(update_fields=["name"])
        members[email] = Member.objects.select_related("user").get(workspace=workspace, user=user)
    return members


def _lead(workspace: Workspace, endpoint: Endpoint, visitor: Visitor, now: int) -> Lead:
    """A lead as the lane leaves it, and its call in the journal."""
    from stagewise.core.ids import request_id, uuid7
    from stagewise.endpoints.models import Attempt, AttemptCounter
    from stagewise.leads.models import Lead, LeadType

    lead_type, at = LeadType.objects.get(workspace=workspace, name=visitor.lead_type), now - visitor.minutes * MINUTE
    address, request = f"192.0.2.{11 + visitor.minutes % 200}", request_id()
    email = f"{visitor.name.split()[0].lower() if visitor.name.isascii() else 'fatima'}@example.com"
    lead = Lead.objects.create(
        workspace=workspace, public_id=uuid7(at), endpoint=endpoint, lead_type=lead_type,
        stage=lead_type.stages.get(position=0), name=visitor.name, phone=visitor.phone,
        phone_e164="+" + "".join(filter(str.isdigit, visitor.phone)), email=email, message=visitor.message,
        created_at=at, address=address, forwarded_by=SERVER, origin="https://www.acme.example",
        user_agent="Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", request_id=request,
    )  # fmt: skip
    Attempt.objects.create(
        workspace_id=workspace.pk, endpoint_id=endpoint.pk, at=at, outcome="created", status=201, address=address,
        forwarded_by=SERVER, address_from="Stagewise-Visitor-IP", user_agent="acme-website/2", request_id=request,
        lead_id=lead.pk,
    )  # fmt: skip
    AttemptCounter.objects.get_or_create(
        endpoint_id=endpoint.pk, minute=at - at % MINUTE, outcome="created", process=1,
        defaults={"workspace_id": workspace.pk, "count": 1, "detailed": 1},
    )  # fmt: skip
    return lead


def _work(lead: Lead, visitor: Visitor, members: dict[str, Member], now: int) -> None:
    """Give it to its owner, and move it to its stage, some time after it came."""
    from stagewise.leads import working

    after, actor = now - visitor.minutes * MINUTE, visitor.owner or "olga@example.com"
    if visitor.owner:
        with clock(after + 40 * MINUTE):
            lead = working.assign(lead, members[visitor.owner], "olga@example.com")
    reason = {"Won": "Ordered by phone.", "Lost": "Found something nearer to home."}.get(visitor.stage)
    with clock(after + 90 * MINUTE):
        working.set_stage(lead, lead.lead_type.stages.get(name=visitor.stage), actor, reason=reason)


def _talk(lead: Lead, members: dict[str, Member], now: int) -> None:
    """Notes, tags and a task."""
    from stagewise.leads import notes, tags, tasks

    with clock(now - 20 * HOUR):
        notes.add_note(lead, members["agnes@example.com"], "Called her: it is for a reading room, 1.80 m at most.")
        tags.tag(lead, "showroom", "agnes@example.com")
        tags.tag(lead, "oak", "agnes@example.com")
    with clock(now - 3 * HOUR):
        notes.add_note(lead, members["olga@example.com"], "Offer sent. Wants to decide after the weekend.")
        tasks.add_task(lead, members["olga@example.com"], "Ask what she decided", now + 26 * HOUR, "olga@example.com")


def _older() -> list[Visitor]:
    """Who wrote in the weeks before, settled long ago: what charts are made of."""
    chance, found = random.Random(7), []
    for day in range(1, 60):
        for _ in range(chance.choice((1, 1, 2, 2, 3, 4)) if day % 7 < 5 else chance.choice((0, 1, 1))):
            lead_type = chance.choice(("Sales", "Sales", "General", "Support"))
            name, stage = chance.choice(_OTHERS), chance.choice(("Won", "Lost", "Won"))
            minutes = day * 1440 + chance.randrange(600)
            phone = f"+1 202 555 {chance.randrange(100, 200):04}"
            found.append(Visitor(minutes, name, phone, lead_type, chance.choice(_WROTE), stage))
    return found


def _hold(workspace: Workspace, endpoint: Endpoint, now: int) -> None:
    from stagewise.core.ids import request_id, uuid7
    from stagewise.leads.models import HeldLead, LeadType

    for place, (name, email, reasons, message) in enumerate(HELD):
        at = now - (place + 2) * 40 * MINUTE
        HeldLead.objects.create(
            workspace=workspace, public_id=uuid7(at), endpoint=endpoint, name=name, phone="12025550100",
            lead_type=LeadType.objects.get(workspace=workspace, name="General"), email=email, message=message, at=at,
            address=f"192.0.2.{90 + place}", user_agent="curl/8.5", request_id=request_id(), reasons=reasons,
        )  # fmt: skip


def _calls(workspace: Workspace, endpoint: Endpoint, now: int) -> None:
    """A month of refused calls as counts, how fast calls were answered, and the last refusals in detail."""
    from stagewise.core.ids import request_id
    from stagewise.endpoints.models import Attempt, AttemptCounter, LaneMinute

    chance = random.Random(11)
    today = now - now % MINUTE
    rows = [
        AttemptCounter(
            workspace_id=workspace.pk, endpoint_id=endpoint.pk, process=1, outcome=outcome, detailed=0, count=1,
            minute=today - day * DAY - (17 * place + chance.randrange(1200)) * MINUTE,
        )
        for day in range(30)
        for outcome, (_status, most) in _REFUSED.items()
        for place in range(chance.randrange(most + 1))
    ]  # fmt: skip
    AttemptCounter.objects.bulk_create(rows, ignore_conflicts=True)
    LaneMinute.objects.bulk_create(
        LaneMinute(process=1, minute=today - minute * MINUTE, calls=10, waiting=chance.randrange(3), times=times)
        for minute in range(0, 1440, 7)
        for times in [[0, 4, 4, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]]
    )
    refused: tuple[tuple[int, str, dict[str, Any]], ...] = (
        (3, "ip_not_allowed", {"address": STRANGER}),
        (22, "rate_limited", {"address": "192.0.2.61", "forwarded_by": SERVER}),
        (47, "missing_fields", {"address": "192.0.2.44", "forwarded_by": SERVER, "field_errors": "email:required"}),
        (130, "origin_not_allowed", {"address": "192.0.2.45", "origin": "https://shop.acme.example"}),
    )
    for minutes, outcome, fields in refused:
        Attempt.objects.create(
            workspace_id=workspace.pk, endpoint_id=endpoint.pk, at=now - minutes * MINUTE, outcome=outcome,
            status=_REFUSED[outcome][0], address_from="X-Forwarded-For", user_agent="Mozilla/5.0 Firefox/140.0",
            request_id=request_id(), **fields,
        )  # fmt: skip


def _channels(workspace: Workspace, lead: Lead, now: int) -> None:
    """Two that work and one that fails, with deliveries, and the alert about it."""
    from stagewise.core.ids import uuid7
    from stagewise.notify.alerts import rules
    from stagewise.notify.delivering import WHY_FAILING
    from stagewise.notify.models import Alert, Channel, Delivery, DeliveryTry

    for kind, name, target, failing in (
        ("email", "Sales team", "sales@acme.example", 0),
        ("email", "Workshop", "workshop@acme.example", 0),
        ("webhook", "CRM", "https://crm.acme.example/hooks/stagewise", now - 50 * MINUTE),
    ):
        channel = Channel.objects.create(
            workspace=workspace, kind=kind, name=name, target=target, events=["lead.created"],
            created_at=now - 40 * DAY,
            paused_at=failing or None, paused_because=WHY_FAILING if failing else "",
        )  # fmt: skip
        for place in range(4):
            at, good = now - (place * 95 + 4) * MINUTE, not failing or place > 0
            delivery = Delivery.objects.create(
                workspace_id=workspace.pk, channel=channel, event_id=-100 * channel.pk - place, public_id=uuid7(at),
                kind="lead.created", lead_id=lead.pk, at=at, next_at=at, tries=1, settled_at=at + 900,
                state="done" if good else "failed",
            )  # fmt: skip
            DeliveryTry.objects.create(
                delivery=delivery, at=at, took_ms=180, status=200 if good else None,
                problem="" if good else "It did not answer within 10 seconds.",
            )  # fmt: skip
    Alert.objects.create(
        workspace=workspace, channel=channel, kind=rules.CHANNEL_PAUSED, subject=f"channel:{channel.pk}",
        raised_at=now - 45 * MINUTE, data={"since": now - 50 * MINUTE, "because": WHY_FAILING},
    )  # fmt: skip


if __name__ == "__main__":
    django.setup()
    from django.db import transaction

    # One transaction: the disk is asked once.
    with transaction.atomic():
        fill()
