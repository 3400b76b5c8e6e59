"""The overview's figures in words: three with a line of 30 days, the chart's table, what became of the calls."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.accounts.days import PERIODS
from stagewise.console import numbers
from stagewise.endpoints import journal, monitoring
from stagewise.leads import figures as leads
from stagewise.leads import news
from stagewise.leads.models import LeadType

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from stagewise.accounts.days import Days
    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.figures import Counted as Calls
    from stagewise.endpoints.state import EndpointState
    from stagewise.leads.figures import Counted as Leads

#: Days that the lines and the charts show at most.
LONGEST: Final = PERIODS[-1]
#: So many lead types have a colour of their own in the chart; the others share one.
_TYPES: Final = 7


class Said(NamedTuple):
    """A figure of one period: the period, the figure, and how it was in the period before; all in words."""

    period: str
    value: str
    change: str


@dataclass(frozen=True)
class Figure:
    """A figure of today, of 7 and of 30 days, and its line."""

    name: str
    label: str
    said: list[Said]
    spark: str
    dot: str


@dataclass(frozen=True)
class Day:
    """A line of the chart's table: counts by column, all leads, refused calls, how soon half were answered."""

    date: datetime.date
    name: str
    counts: list[int]
    all: int
    refused: int
    answered: str


class Column(NamedTuple):
    """A lead type of the chart, or all others together (``lead_type`` None)."""

    label: str
    lead_type: LeadType | None
    total: int


class Reason(NamedTuple):
    """How calls ended: the outcome, how many, and how many of a hundred that is."""

    outcome: journal.Outcome
    group: str
    calls: int
    percent: float
    #: Whether another outcome has the same word, so that the code must tell them apart.
    alike: bool


def three(counted: Leads, calls: Calls, workspace: Workspace, days: Days) -> tuple[list[Figure], list[int | None]]:
    """The three figures; and for each of the last 30 days how soon leads were answered, in milliseconds."""
    spans = [span for period in PERIODS for span in (days.period(period), days.period_before(period))]
    answered = leads.answered_within(workspace, spans)
    by_day = leads.answered_within(workspace, days.spans[-LONGEST:], leads.ANSWERED_OF_A_DAY)
    names = [_("Today"), _("7 days"), _("30 days")]

    def counts(of: Leads | Calls) -> list[Said]:
        daily = of.all if isinstance(of, leads.Counted) else of.refused
        pairs = [(daily.of(period), daily.before(period)) for period in PERIODS]
        changes = [numbers.compared(*pair) for pair in pairs]
        return [
            Said(name, numbers.count(now), change)
            for name, (now, _before), change in zip(names, pairs, changes, strict=True)
        ]

    soon = [
        Said(name, _("–") if now is None else numbers.duration(now), numbers.sooner(now, before))  # noqa: RUF001
        for name, now, before in zip(names, answered[::2], answered[1::2], strict=True)
    ]
    found = [
        Figure("leads", _("Leads"), counts(counted), *numbers.spark(counted.all.days[-LONGEST:])),
        Figure("refused", _("Refused calls"), counts(calls), *numbers.spark(calls.refused.days[-LONGEST:])),
        Figure("answered", _("Time to first answer"), soon, *numbers.spark(by_day)),
    ]
    return found, by_day


def columns(workspace: Workspace, by_type: Sequence[Counter[int]]) -> list[Column]:
    """The lead types that leads of these days are of, in their order; the rare ones together."""
    totals: dict[int, int] = {}
    for each in by_type:
        for pk, count in each.items():
            totals[pk] = totals.get(pk, 0) + count
    most = sorted(totals, key=lambda pk: -totals[pk])[: _TYPES if len(totals) > _TYPES + 1 else None]
    types = sorted(LeadType.objects.filter(workspace=workspace, pk__in=most), key=lambda each: (each.position, each.pk))
    shown = [Column(each.name, each, totals[each.pk]) for each in types]
    others = sum(totals.values()) - sum(each.total for each in shown)
    return [*shown, Column(_("Others"), None, others)] if others else shown


def table(
    shown: list[Column], counted: Leads, calls: Calls, answered: list[int | None], days: Days, length: int
) -> list[Day]:
    """The last ``length`` days, the oldest first."""
    rows = []
    for back in range(length, 0, -1):
        of_day = counted.by_type[-back]
        known = [of_day[each.lead_type.pk] for each in shown if each.lead_type is not None]
        others = [of_day.total() - sum(known)] if len(known) < len(shown) else []
        took = answered[-back]
        rows.append(
            Day(
                days.dates[-back],
                date_format(days.dates[-back], "D j M"),
                known + others,
                of_day.total(),
                calls.refused.days[-back],
                "" if took is None else numbers.duration(took),
            )
        )
    return rows


def reasons(outcomes: Counter[str]) -> list[Reason]:
    """How calls ended, the accepted ones first, each kind by how many they are."""
    total = outcomes.total()
    known = {code: journal.outcome_of(code, 0) for code, count in outcomes.items() if count}
    words = [each.word for each in known.values()]
    found = [
        Reason(
            each, monitoring.group_of(code), outcomes[code], 100 * outcomes[code] / total, words.count(each.word) > 1
        )
        for code, each in known.items()
    ]
    return sorted(found, key=lambda each: (not each.outcome.accepted, -each.calls, each.outcome.code))


def sentence(today: int, new: int, states: list[EndpointState], waiting: int) -> list[str]:
    """The state in a few words, in parts: what came, what is new, whether all is well."""
    said = [ngettext("%s lead today", "%s leads today", today) % numbers.count(today) if today else _("No leads today")]
    if new:
        count = f"{new - 1}+" if new >= news.MOST else str(new)
        said.append(ngettext("%s is new", "%s are new", new) % count)
    refusing = [each for each in states if each.code in {"nobody", "refusing"}]
    if len(refusing) == 1:
        said.append(_("“%s” refuses everything") % refusing[0].endpoint.name)
    elif refusing:
        said.append(
            ngettext("%d endpoint refuses everything", "%d endpoints refuse everything", len(refusing)) % len(refusing)
        )
    elif waiting:
        said.append(ngettext("%d thing needs you", "%d things need you", waiting) % waiting)
    else:
        said.append(_("everything is arriving"))
    return said
