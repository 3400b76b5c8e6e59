"""The rows of some days of leads, as the lane, the worker and a team would have left them. No database here."""

from __future__ import annotations

import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from stagewise.core.ids import request_id, uuid7_hex
from stagewise.leads.search import row_of
from stagewise.site.filling.people import message, person

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_SLOT_MS = 1_800_000
#: What the worker has thrown away: calls and events after 90 days, used slots of the limit after a day.
_CALLS_KEPT_MS = 90 * _DAY_MS
_HITS_KEPT_MS = 25 * _HOUR_MS
#: How many people write between midnight and one o'clock, and so on.
_HOURS = (2, 1, 1, 1, 1, 2, 4, 8, 12, 16, 18, 17, 14, 15, 16, 16, 15, 13, 12, 13, 14, 12, 8, 4)

COLUMNS = {
    "lead": (
        *("id", "public_id", "workspace_id", "endpoint_id", "lead_type_id", "stage_id", "name", "phone", "phone_e164"),
        *("email", "message", "test", "created_at", "address", "origin", "user_agent", "request_id", "repeat_slot"),
        *("repeat_hash", "phone_valid", "derived_at", "owner_id", "changed_at", "answered_at", "staged_at"),
    ),
    "lead_search": ("lead_id", "workspace_id", "name_key", "email_key", "phone_key", "text"),
    "lead_slot": ("workspace_id", "slot", "lead_type_id", "endpoint_id", "count"),
    "lead_attribution": (
        *("lead_id", "workspace_id", "page_url", "utm_source", "utm_medium", "utm_campaign", "click_ids"),
    ),
    "lead_repeat": ("lead_id", "workspace_id", "count", "first_at", "last_at"),
    "lead_tag": ("workspace_id", "tag_id", "lead_id"),
    "lead_task": ("workspace_id", "lead_id", "member_id", "text", "due_at", "created_at"),
    "lead_activity": ("workspace_id", "lead_id", "kind", "actor", "at", "data"),
    "attempt": (
        *("workspace_id", "endpoint_id", "at", "outcome", "status", "address", "address_from", "note", "preflight"),
        *("user_agent", "field_errors", "request_id", "lead_id"),
    ),
    "attempt_counter": ("workspace_id", "endpoint_id", "minute", "outcome", "process", "count", "detailed"),
    "hit": ("workspace_id", "endpoint_id", "bucket", "at"),
    "event": ("workspace_id", "public_id", "kind", "lead_id", "at", "dispatched_at"),
}
_AGENTS = ("python-requests/2.32", "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "curl/8.5", "node", "PHP/8.3")
_CAMPAIGNS = (
    ("newsletter", "email", "spring"),
    ("search", "cpc", "brand"),
    ("search", "cpc", "near-me"),
    ("social", "post", "before-and-after"),
    ("partner", "referral", None),
)
_TASKS = ("Call back", "Send the quote", "Ask for photos", "Make an appointment", "Remind of the offer")


class Kind(NamedTuple):
    """A lead type: its row id, and its stages in order as (row id, kind, name)."""

    id: int
    stages: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True)
class Plan:
    """``count`` leads from ``begin`` to below ``end`` (milliseconds since 1970), whose row ids go up from ``first``."""

    workspace: int
    first: int
    count: int
    begin: int
    end: int
    now: int
    kinds: tuple[Kind, ...]
    endpoints: tuple[int, ...]
    #: Row id and e-mail address of each member.
    members: tuple[tuple[int, str], ...]
    tags: tuple[int, ...]
    #: How many different people there are.
    people: int
    seed: int

    def chunks(self, size: int) -> list[Plan]:
        """The same in parts of about ``size`` leads, one after the other in time."""
        many = max(1, self.count // size)
        edges = [self.count * at // many for at in range(many + 1)]
        times = [self.begin + (self.end - self.begin) * at // many for at in range(many + 1)]
        parts = zip(itertools.pairwise(edges), itertools.pairwise(times), strict=True)
        return [
            replace(
                self, first=self.first + low, count=high - low, begin=begin, end=end, seed=self.seed * 1_000_003 + at
            )
            for at, ((low, high), (begin, end)) in enumerate(parts)
        ]


Rows = dict[str, list[tuple[Any, ...]]]


def make(plan: Plan) -> Rows:
    """All rows of the plan, by table."""
    chance = random.Random(plan.seed)  # noqa: S311 - for the same seed the same leads
    rows: Rows = {table: [] for table in COLUMNS}
    slots: Counter[tuple[int, int, int]] = Counter()
    calls: Counter[tuple[int, int]] = Counter()
    for number, at in enumerate(_times(plan, chance), plan.first):
        endpoint = plan.endpoints[int(chance.random() ** 2 * len(plan.endpoints))]
        kind = plan.kinds[int(chance.random() ** 1.5 * len(plan.kinds))]
        _add(rows, plan, chance, number, at, endpoint, kind)
        slots[at // _SLOT_MS, kind.id, endpoint] += 1
        calls[at - at % _HOUR_MS, endpoint] += 1
    rows["lead_slot"] = [(plan.workspace, *slot, count) for slot, count in slots.items()]
    rows["attempt_counter"] = [
        (plan.workspace, endpoint, hour, "created", 0, count, count) for (hour, endpoint), count in calls.items()
    ]
    return rows


def _times(plan: Plan, chance: random.Random) -> list[int]:
    """When they came: in the order of time, more by day than by night."""
    found: list[int] = []
    span = plan.end - plan.begin
    while len(found) < plan.count:
        at = plan.begin + int(chance.random() * span)
        if chance.random() * max(_HOURS) < _HOURS[at // _HOUR_MS % 24]:
            found.append(at)
    return sorted(found)


def _add(rows: Rows, plan: Plan, chance: random.Random, number: int, at: int, endpoint: int, kind: Kind) -> None:
    """A lead with all that stands beside it."""
    who = person(int(chance.random() * plan.people))
    said = message(who.kind, chance) if chance.random() < 0.93 else None
    address = f"{('192.0.2', '198.51.100', '203.0.113')[number % 3]}.{1 + int(chance.random() * 254)}"
    call, agent = request_id(), _AGENTS[int(chance.random() * len(_AGENTS))]
    stage, owner, changed = _worked(rows, plan, chance, number, at, kind)
    public_id = uuid7_hex(at)
    rows["lead"].append(
        (
            *(number, public_id, plan.workspace, endpoint, kind.id, stage, who.name, who.phone, who.phone_e164),
            *(who.email, said, False, at, address, None, agent, call, at // 300_000, chance.getrandbits(63)),
            *(True, at + 700, owner, changed, changed and at + int((changed - at) * 0.4), changed),
        )
    )
    found = row_of(who.name, who.email, who.phone, who.phone_e164, said)
    rows["lead_search"].append((number, plan.workspace, *(found[name] for name in COLUMNS["lead_search"][2:])))
    _add_beside(rows, plan, chance, number, at)
    if plan.now - at < _CALLS_KEPT_MS:
        rows["attempt"].append(
            (
                *(plan.workspace, endpoint, at, "created", 201, address, "peer", "", False),
                *(agent, "", call, number),
            )
        )
        rows["event"].append((plan.workspace, uuid7_hex(at), "lead.created", number, at, at + 500))
    if plan.now - at < _HITS_KEPT_MS:
        rows["hit"].append((plan.workspace, endpoint, address, at))


def _worked(
    rows: Rows, plan: Plan, chance: random.Random, number: int, at: int, kind: Kind
) -> tuple[int, int | None, int | None]:
    """What the team did: the stage that it stands in, its owner, and when it was last changed."""
    age = plan.now - at
    if not plan.members or chance.random() > 0.15 + 0.8 * min(1.0, age / (5 * _DAY_MS)):
        return kind.stages[0][0], None, None
    changed = at + int(min(age, 20 * _DAY_MS) * chance.random())
    member, actor = plan.members[int(chance.random() * len(plan.members))]
    # The older, the more likely at an end.
    reached = len(kind.stages) if chance.random() < age / (30 * _DAY_MS) else max(2, len(kind.stages) - 2)
    stage, _, name = kind.stages[int(chance.random() * min(reached, len(kind.stages)))]
    moved = json.dumps({"from": kind.stages[0][2], "to": name})
    rows["lead_activity"].append((plan.workspace, number, "stage", actor, changed, moved))
    return stage, member if chance.random() < 0.8 else None, changed


def _add_beside(rows: Rows, plan: Plan, chance: random.Random, number: int, at: int) -> None:
    """Campaign, repeats, tags, a task: of some leads."""
    if chance.random() < 0.25:
        source, medium, campaign = _CAMPAIGNS[int(chance.random() ** 2 * len(_CAMPAIGNS))]
        page = "https://www.example.com/contact"
        rows["lead_attribution"].append((number, plan.workspace, page, source, medium, campaign, "{}"))
    if chance.random() < 0.01:
        rows["lead_repeat"].append((number, plan.workspace, 1, at + 4_000, at + 4_000))
    if plan.tags and chance.random() < 0.15:
        # Most leads have the first tag, few the last.
        tag = plan.tags[int(chance.random() ** 3 * len(plan.tags))]
        rows["lead_tag"].append((plan.workspace, tag, number))
    if plan.members and plan.now - at < 20 * _DAY_MS and chance.random() < 0.03:
        member, _ = plan.members[int(chance.random() * len(plan.members))]
        due = plan.now + int((chance.random() - 0.2) * 10 * _DAY_MS)
        text = _TASKS[int(chance.random() * len(_TASKS))]
        rows["lead_task"].append((plan.workspace, number, member, text, due, at))
