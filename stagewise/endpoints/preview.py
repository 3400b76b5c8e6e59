"""What settings that are not saved yet would have said to the endpoint's newest calls.

Of a call the journal keeps who called, not what was sent. So the lane's rules about callers are asked again, and
nothing is said about fields.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from stagewise.accounts.clock import now_ms
from stagewise.core import origins, policy
from stagewise.core.addresses import Caller, bucket, canonical
from stagewise.core.limits import WINDOW_MS
from stagewise.core.refusal import status_of
from stagewise.core.submission import UNUSABLE_ORIGIN, Submission, shown_origin
from stagewise.endpoints import journal_rows, queries, recent
from stagewise.endpoints.compiling import rules_of
from stagewise.endpoints.models import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.endpoints.journal_rows import Outcome, Row
    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen
    from stagewise.store.view import Entry

#: Refusals that come from the settings about callers.
_OF_CALLERS: Final = frozenset({"ip_not_allowed", "origin_not_allowed", "origin_required", "endpoint_disabled"})
#: Of so many addresses the used slots are counted when the limit changes; a limit higher than this is not weighed.
_ADDRESSES, _HIGHEST_LIMIT = 20, 1_000


class Turned(NamedTuple):
    """A call that would have ended in another way: ``outcome`` is what the new settings say, None: they let it in."""

    id: int
    row: Row
    outcome: Outcome | None


@dataclass(frozen=True)
class Preview:
    """What would change."""

    #: How many calls were weighed, and since when they came (milliseconds since 1970).
    weighed: int
    since: int | None
    #: Accepted calls that the new settings would have refused; refused ones whose caller they would have let in.
    refused: list[Turned] = field(default_factory=list)
    let_in: list[Turned] = field(default_factory=list)
    #: Accepted calls that the settings saved now would refuse as well: they were made before.
    refused_already: int = 0
    #: Addresses that have used as many slots as the new limit gives, and may send again at the second time.
    at_limit: list[tuple[str, int]] = field(default_factory=list)
    #: Calls of which too little is known to say.
    unknown: int = 0


def preview(saved: Endpoint, changed: Endpoint, calls: Sequence[Seen] | None = None) -> Preview:
    """Weigh the newest calls (by default those of the journal) under both settings."""
    calls = recent.newest(saved) if calls is None else calls
    before, after = rules_of(saved), rules_of(changed)
    own_page = origins.check_entry(queries.public_base()).value
    refused, let_in, already, unknown, weighed = [], [], 0, 0, 0
    for each in calls:
        row = each.row
        if row.note == "test" or row.outcome.code == "test_created":
            continue  # whoever tests may have been let in by the installation itself
        weighed += 1
        submission = _submission(row, own_page)
        if submission is None or row.note == "key_retired":
            unknown += 1
            continue
        now_says, then_says = _verdict(before, submission), _verdict(after, submission)
        if row.outcome.accepted and then_says is not None:
            if now_says is None:
                refused.append(Turned(each.id, row, journal_rows.outcome_of(then_says, status_of(then_says))))
            else:
                already += 1
        elif row.outcome.code in _OF_CALLERS and now_says is not None and then_says is None:
            let_in.append(Turned(each.id, row, None))
    since = calls[-1].row.at if calls else None
    return Preview(weighed, since, refused, let_in, already, _at_limit(before, after, calls), unknown)


def _submission(row: Row, own_page: str | None) -> Submission | None:
    """The call as far as the journal knows it; None where its address was not kept whole."""
    server = row.forwarded_by or row.address
    address = None if server is None else canonical(server)
    if server is not None and address is None:
        return None
    caller = Caller(address, row.address_from, address or "", untrusted_proxy=row.note == "untrusted_proxy")
    unusable = row.origin == shown_origin(UNUSABLE_ORIGIN)
    origin = UNUSABLE_ORIGIN if unusable else row.origin or None
    hosted = origin is not None and origin == own_page
    return Submission(key="", caller=caller, request_id="", origin=origin, preflight=row.preflight, hosted=hosted)


def _verdict(entry: Entry, submission: Submission) -> str | None:
    return policy.refusal_before_content(
        entry.rules, retired=False, submission=submission, page_open=entry.options.form.enabled
    )


def _at_limit(before: Entry, after: Entry, calls: Sequence[Seen]) -> list[tuple[str, int]]:
    """Of the addresses that called lately, those that only the new limit stops; and when it lets each go on."""
    old, new = before.rules.limit, after.rules.limit
    if new is None or new > _HIGHEST_LIMIT or (old is not None and old <= new):
        return []
    now, endpoint_id, found = now_ms(), before.rules.endpoint_id, []
    addresses = dict.fromkeys(each.row.address for each in calls if each.row.address and each.row.outcome.accepted)
    slots = dict.fromkeys(bucket(address) for address in addresses if _is_address(address))
    for slot in list(slots)[:_ADDRESSES]:
        hits = Hit.objects.filter(endpoint_id=endpoint_id, bucket=slot, at__gt=now - WINDOW_MS).order_by("-at")
        times = list(hits.values_list("at", flat=True)[: max(new, old or 0)])
        if len(times) >= new and (old is None or len(times) < old):
            found.append((slot, times[new - 1] + WINDOW_MS))
    return found


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
