"""What the page Logs was asked for: read from its query, written into the links that change one thing of it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise.console.views.leads import number
from stagewise.core.addresses import canonical
from stagewise.endpoints import journal
from stagewise.endpoints.journal import Wanted

if TYPE_CHECKING:
    import zoneinfo
    from collections.abc import Mapping

    from stagewise.endpoints.models import Endpoint

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
#: A call that is looked for near a moment came at most so long after it.
_NEAR_MS: Final = 5 * 60_000
#: As a field for a date and a time gives and takes it.
_LOCAL: Final = "%Y-%m-%dT%H:%M"
_LONGEST: Final = 200


class Period(NamedTuple):
    """What the chart shows: its words, its length, and how long one bar is, in milliseconds."""

    label: str
    length: int
    step: int


class Chip(NamedTuple):
    """Something that was chosen, in words, and the query without it."""

    label: str
    query: str


@dataclass(frozen=True)
class Asked:
    """The calls that are wanted, the chart's period, and all of it as a query that asks for the same."""

    wanted: Wanted
    period: str
    query: dict[str, str]
    #: What the fields for the dates show.
    since: str
    until: str

    @property
    def has_more(self) -> bool:
        """Whether something was chosen that is folded away otherwise."""
        wanted = self.wanted
        return bool(wanted.address or wanted.origin or wanted.request_id)

    def link(self, **changes: str | int | None) -> str:
        """The query with some of it changed; None takes something out."""
        changed = {**self.query, **{name: "" if value is None else str(value) for name, value in changes.items()}}
        return urlencode({name: value for name, value in changed.items() if value})

    def chips(self, endpoints: Mapping[int, Endpoint], zone: zoneinfo.ZoneInfo) -> list[Chip]:
        """What narrows the list, each to be taken away."""
        wanted, found = self.wanted, []
        if wanted.outcome:
            words = {"refused": _("All refused"), "accepted": _("All taken")}
            word = words.get(wanted.outcome) or journal.outcome_of(wanted.outcome, 0).word
            found.append(Chip(word, self.link(outcome=None)))
        if wanted.endpoint_id is not None:
            found.append(Chip(endpoints[wanted.endpoint_id].name, self.link(endpoint=None)))
        if wanted.address:
            found.append(Chip(_("IP %s") % wanted.address, self.link(address=None)))
        if wanted.origin:
            found.append(Chip(_("Origin with “%s”") % wanted.origin, self.link(origin=None)))
        if wanted.request_id:
            found.append(Chip(_("Request %s") % wanted.request_id[:12], self.link(request=None, near=None)))
        if (wanted.since or wanted.until) and "near" not in self.query:
            found.append(Chip(span_words(wanted.since, wanted.until, zone), self.link(**{"from": None, "until": None})))
        return found


def periods() -> dict[str, Period]:
    """The periods of the chart by their word in the query; the first is the usual one."""
    return {
        "24h": Period(_("24 hours"), DAY_MS, HOUR_MS),
        "7d": Period(_("7 days"), 7 * DAY_MS, 4 * HOUR_MS),
    }


def read(query: Mapping[str, str], endpoints: Mapping[int, Endpoint], zone: zoneinfo.ZoneInfo) -> Asked:
    """Read a query; what makes no sense counts as not said."""
    texts = {name: _text(query.get(name, "")) for name in ("address", "origin", "request")}
    outcome = query.get("outcome", "")
    endpoint = number(query.get("endpoint"))
    since, until = _moment(query.get("from", ""), zone), _moment(query.get("until", ""), zone, end=True)
    near = number(query.get("near"))
    wanted = Wanted(
        outcome=outcome if journal.known(outcome) else "",
        endpoint_id=endpoint if endpoint in endpoints else None,
        address=canonical(texts["address"]) or texts["address"],
        origin=texts["origin"],
        request_id=texts["request"],
        since=since,
        until=until if near is None or not texts["request"] else near + _NEAR_MS,
    )
    period = query.get("period", "")
    period = period if period in periods() else next(iter(periods()))
    kept = {
        "outcome": wanted.outcome,
        "endpoint": str(wanted.endpoint_id or ""),
        "address": wanted.address,
        "origin": wanted.origin,
        "request": wanted.request_id,
        "near": str(near) if near is not None and wanted.request_id else "",
        "from": str(since or ""),
        "until": str(until or ""),
        "period": "" if period == next(iter(periods())) else period,
    }
    return Asked(wanted, period, kept, _local(since, zone), _local(until, zone))


def span_words(since: int | None, until: int | None, zone: zoneinfo.ZoneInfo) -> str:
    """A stretch of time in words, such as "Sun 22 Nov 21:00 to 22:00"."""
    start, end = (None if at is None else _at(at, zone) for at in (since, until))
    if start is None:
        return _("until %s") % _said(end) if end else ""
    if end is None:
        return _("since %s") % _said(start)
    same_day = (end - datetime.timedelta(milliseconds=1)).date() == start.date()
    words = {"since": _said(start), "until": date_format(end, "H:i") if same_day else _said(end)}
    return _("%(since)s to %(until)s") % words


def _said(moment: datetime.datetime) -> str:
    return date_format(moment, "D j M H:i")


def _at(at: int, zone: zoneinfo.ZoneInfo) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(at / 1000, zone)


def _text(typed: str) -> str:
    text = typed.strip()[:_LONGEST]
    return "" if "\0" in text else text


def _moment(typed: str, zone: zoneinfo.ZoneInfo, *, end: bool = False) -> int | None:
    """Milliseconds since 1970, or a date with or without a time of the zone; a date's ``end`` is midnight after."""
    at = number(typed)
    if at is not None:
        return at if at < 2**43 else None
    try:
        moment = datetime.datetime.fromisoformat(typed)
    except ValueError:
        return None
    if end and "T" not in typed:
        moment += datetime.timedelta(days=1)
    try:
        return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _local(at: int | None, zone: zoneinfo.ZoneInfo) -> str:
    return "" if at is None else _at(at, zone).strftime(_LOCAL)
