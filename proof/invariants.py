"""What must hold between a client's journal and the database, whatever was killed in between.

Each invariant is a function that returns its breaches as sentences; an empty list says that it holds. A list of leads
is cut after the first few, with a number. tests/proof shows for each that it finds what it is there to find.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from proof.journal import Call
from proof.stored import Stored
from stagewise.core import fields
from stagewise.core.fields import Fields
from stagewise.core.limits import WINDOW_MS
from stagewise.core.refusal import REFUSALS

_TOKEN = re.compile(r"t[=.]([A-Za-z0-9_-]+)")
_SHOWN = 5
#: Every status that the contract lists (docs/api.md), and 0 for no answer at all.
LISTED = {0, 201, 202} | {refusal.status for refusal in REFUSALS.values()}

Invariant = Callable[[Sequence[Call], Stored], list[str]]


def _breach(what: str, tokens: Iterable[str]) -> list[str]:
    found = sorted(set(tokens))
    if not found:
        return []
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return [f"{what}: {', '.join(found[:_SHOWN])}{more}"]


def _token(text: str | None) -> str:
    match = _TOKEN.search(text or "")
    return match[1] if match else ""


def acknowledged_is_stored(calls: Sequence[Call], stored: Stored) -> list[str]:
    """What was answered with 201 is there, under the id that the answer gave."""
    there = {lead.public_id: lead for lead in stored.leads}
    lost = [
        call.sent.token
        for call in calls
        for answer in call.created
        if (found := there.get((answer.id or "").replace("-", ""))) is None or _token(found.name) != call.sent.token
    ]
    return _breach("answered with 201, and not stored", lost)


def stored_was_sent(calls: Sequence[Call], stored: Stored) -> list[str]:
    """Nothing is there that nobody sent."""
    sent = {call.sent.token for call in calls}
    return _breach(
        "stored, and never sent", (_token(lead.name) for lead in stored.leads if _token(lead.name) not in sent)
    )


def certainly_refused_is_not_stored(calls: Sequence[Call], stored: Stored) -> list[str]:
    """A lead whose every answer said "not stored" is not there."""
    there = {_token(lead.name) for lead in stored.leads}
    refused = [call for call in calls if call.answers and not call.created]
    certain = [
        call.sent.token
        for call in refused
        if all(answer.status not in {0, 202} and answer.code != "outcome_unknown" for answer in call.answers)
    ]
    return _breach("refused, and stored all the same", set(certain) & there)


def a_lead_is_stored_once(calls: Sequence[Call], stored: Stored) -> list[str]:
    """However often it was sent under its key, there is one lead, and every answer named the same one."""
    times = Counter(_token(lead.name) for lead in stored.leads)
    named = [call.sent.token for call in calls if len({answer.id for answer in call.created}) > 1]
    return [
        *_breach("stored more than once", (token for token, count in times.items() if count > 1)),
        *_breach("answered with different ids", named),
    ]


def fields_belong_together(_calls: Sequence[Call], stored: Stored) -> list[str]:
    """Name, address of mail and message of a lead are of one lead: no buffer was shared."""
    crossed = [
        lead.name for lead in stored.leads if not _token(lead.name) == _token(lead.email) == _token(lead.message)
    ]
    return _breach("fields of different leads in one", crossed)


def values_are_those_sent(calls: Sequence[Call], stored: Stored) -> list[str]:
    """A stored value is the sent one, normalised by the rules of the contract."""
    sent = {call.sent.token: call.sent for call in calls}
    changed = []
    for lead in stored.leads:
        call = sent.get(_token(lead.name))
        if call is None:
            continue
        expected = fields.check({"name": call.name, "phone": call.phone, "email": call.email, "message": call.message})
        kept = (lead.name, lead.phone, lead.email, lead.message)
        if not isinstance(expected, Fields) or kept != (
            expected.name, expected.phone, expected.email, expected.message,
        ):  # fmt: skip
            changed.append(call.token)
    return _breach("stored otherwise than sent", changed)


def a_lead_has_all_its_rows(_calls: Sequence[Call], stored: Stored) -> list[str]:
    """One attempt, one event and one used slot for each lead, and none without."""
    ids = Counter(lead.id for lead in stored.leads)
    hits = sum(map(len, stored.hits.values()))
    return [
        *_breach(
            "attempts and leads differ", (str(each) for each in (ids - stored.attempts) + (stored.attempts - ids))
        ),
        *_breach("events and leads differ", (str(each) for each in (ids - stored.events) + (stored.events - ids))),
        *([f"{hits:,} used slots for {len(stored.leads):,} leads"] if hits != len(stored.leads) else []),
    ]


def answers_are_listed(calls: Sequence[Call], _stored: Stored) -> list[str]:
    """Only answers that the contract lists, never a bare 500; a 429 or 503 says when to come again."""
    answers = [(call.sent.token, answer) for call in calls for answer in call.answers]
    return [
        *_breach("an answer that is not in the contract", (t for t, each in answers if each.status not in LISTED)),
        *_breach(
            "refused for now without Retry-After",
            (t for t, each in answers if each.status in {429, 503} and not each.has_retry_after),
        ),
    ]


def counters_add_up(calls: Sequence[Call], stored: Stored) -> list[str]:
    """Every answer is counted once under its outcome.

    Only where every call was answered, and nobody was killed: counters of refusals gather in memory for a moment.
    """
    if any(answer.status == 0 for call in calls for answer in call.answers):
        return []
    seen: Counter[str] = Counter()
    for call in calls:
        for number, answer in enumerate(call.created):
            seen["created" if number == 0 else "replayed"] += 1
            assert answer.status == 201
        seen.update(answer.code for answer in call.answers if answer.code)
    wrong = {
        name: (seen[name], stored.counters[name])
        for name in seen | stored.counters
        if seen[name] != stored.counters[name]
    }
    return [f"{name}: {answered:,} answers, {counted:,} counted" for name, (answered, counted) in sorted(wrong.items())]


def limit_kept(limit: int) -> Invariant:
    """No more than the limit in any 24 hours, and nobody refused while there was room."""

    def check(calls: Sequence[Call], stored: Stored) -> list[str]:
        over = [
            f"{bucket} at {later}"
            for (_endpoint, bucket), times in stored.hits.items()
            for earlier, later in zip(times, times[limit:], strict=False)
            if later - earlier < WINDOW_MS
        ]
        refused = any(answer.status == 429 for call in calls for answer in call.answers)
        full = any(len(times) >= limit for times in stored.hits.values())
        room = ["refused with 429 although no address has used its slots"] if refused and not full else []
        return [*_breach("more than the limit within 24 hours", over), *room]

    return check


def unknown_at_most(most: int) -> Invariant:
    """Callers may be left without knowing only where something was killed: so many for each kill."""

    def check(calls: Sequence[Call], _stored: Stored) -> list[str]:
        count = sum(call.is_unknown for call in calls)
        return (
            [f"{count:,} callers do not know what became of their lead, {most:,} were allowed"] if count > most else []
        )

    return check


def nothing_waits(_calls: Sequence[Call], stored: Stored) -> list[str]:
    """After the worker had its time, every event is handed on."""
    return [f"{stored.waiting:,} events still wait"] if stored.waiting else []


#: What must hold always, by the names that the checker prints.
ALWAYS: dict[str, Invariant] = {
    "what was answered with 201 is stored": acknowledged_is_stored,
    "what is stored was sent": stored_was_sent,
    "what was refused for certain is not stored": certainly_refused_is_not_stored,
    "a lead is stored once": a_lead_is_stored_once,
    "fields belong together": fields_belong_together,
    "values are those that were sent": values_are_those_sent,
    "a lead has its attempt, event and slot": a_lead_has_all_its_rows,
    "answers are those of the contract": answers_are_listed,
}
