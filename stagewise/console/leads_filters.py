"""The filters above the list of leads as people see them: views as tabs, chips with their choices, what is chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts.models import Member
from stagewise.endpoints.models import Endpoint
from stagewise.leads import finding, queries, saved, tags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.utils.functional import _StrPromise

    from stagewise.console.access import Seat
    from stagewise.leads.finding import Filters
    from stagewise.leads.models import LeadType, SavedView, Stage


class Choice(NamedTuple):
    """Something to choose: its words, the query that chooses it (or lets it go), whether it is chosen, its hue."""

    label: str | _StrPromise
    query: str
    on: bool
    of: Any = None


class Chip(NamedTuple):
    """A filter: what it is called, what of it is chosen in words, and what there is to choose."""

    name: str
    label: str | _StrPromise
    chosen: str
    choices: list[Choice]
    #: The query without it.
    without: str


class Tab(NamedTuple):
    """A view of the list; ``view`` where somebody has saved it."""

    label: str | _StrPromise
    query: str
    current: bool
    view: SavedView | None = None


class Field(NamedTuple):
    """A field of the form with more filters: a list of (value, words), and which value is chosen."""

    name: str
    label: str | _StrPromise
    choices: list[tuple[str, str | _StrPromise]]
    chosen: str


PERIODS = {
    "today": gettext_lazy("Today"),
    "yesterday": gettext_lazy("Yesterday"),
    "7": gettext_lazy("Last 7 days"),
    "30": gettext_lazy("Last 30 days"),
    "90": gettext_lazy("Last 90 days"),
}
SORTS = {
    "newest": gettext_lazy("Newest first"),
    "oldest": gettext_lazy("Oldest first"),
    "changed": gettext_lazy("Recently changed"),
    "name": gettext_lazy("Name, A to Z"),
    "due": gettext_lazy("Next task due"),
}
KINDS = {"open": gettext_lazy("Open"), "won": gettext_lazy("Won"), "lost": gettext_lazy("Lost")}
AGAIN = {"again": gettext_lazy("Came again"), "before": gettext_lazy("Wrote before")}
TESTS = {"hide": gettext_lazy("Without test leads"), "only": gettext_lazy("Test leads only")}
DUES = {"today": gettext_lazy("Due today or late"), "any": gettext_lazy("Any task"), "none": gettext_lazy("No task")}


def query_of(filters: Filters, **changes: Any) -> str:
    """The page's query for these filters, with some of them changed."""
    return urlencode(replace(filters, **changes).to_query())


class Shown:
    """All that the page shows of the filters; ``types`` are the lead types with their stages."""

    def __init__(self, seat: Seat, filters: Filters) -> None:
        self.seat = seat
        self.filters = filters
        self.query = query_of(filters)
        self.types = queries.lead_types(seat.workspace)
        self.members = list(_members(seat))
        self.tags = tags.tags_of(seat.workspace)
        self.endpoints = list(Endpoint.objects.filter(workspace=seat.workspace))
        self.views = saved.views_for(seat.member)

    def tabs(self) -> list[Tab]:
        """All leads, what people ask for most, and the saved views."""
        sort = self.filters.sort
        usual: tuple[tuple[_StrPromise, dict[str, Any]], ...] = (
            (gettext_lazy("All"), {}),
            (gettext_lazy("New"), {"fresh": True}),
            (gettext_lazy("Mine"), {"owner": "me"}),
            (gettext_lazy("Due today"), {"due": "today"}),
        )
        found = []
        for label, chosen in usual:
            query = query_of(finding.Filters(**chosen, sort=sort))
            found.append(Tab(label, query, query == self.query))
        return [*found, *(Tab(view.name, view.query, self._is_open(view), view) for view in self.views)]

    def open_view(self) -> SavedView | None:
        """The saved view that the page shows, if it shows one."""
        return next((view for view in self.views if self._is_open(view)), None)

    def is_savable(self) -> bool:
        """Whether there is something to keep under a name that has none yet."""
        return self.filters.chosen and not any(tab.current for tab in self.tabs())

    def chips(self) -> list[Chip]:
        """The filters that people use most."""
        chips = [self._types(), self._stages(), self._owners(), self._periods(), self._tags()]
        return [chip for chip in chips if chip.choices]

    def fields(self) -> list[Field]:
        """The other filters, in a form of their own; those with nothing to choose are left out."""
        filters = self.filters
        endpoints = [(str(each.pk), each.name) for each in self.endpoints]
        by_hand: list[tuple[str, str | _StrPromise]] = [("0", _("Added by hand"))]
        endpoint = "" if filters.endpoint is None else str(filters.endpoint)
        found = [
            Field("endpoint", _("Endpoint"), [("", _("Any endpoint")), *endpoints, *by_hand], endpoint),
            Field("kind", _("Where it stands"), [("", _("Anywhere")), *KINDS.items()], filters.kind),
            Field("due", _("Tasks"), [("", _("With and without")), *DUES.items()], filters.due),
            Field("again", _("Repeats"), [("", _("All")), *AGAIN.items()], filters.again),
        ]
        if filters.test or queries.has_test_leads(self.seat.workspace):
            found.append(Field("test", _("Test leads"), [("", _("With test leads")), *TESTS.items()], filters.test))
        found += self._campaigns("utm_source", "source", _("Source"), filters.source)
        found += self._campaigns("utm_campaign", "campaign", _("Campaign"), filters.campaign)
        return found

    def others(self) -> list[Choice]:
        """What is chosen of those other filters, each with the query that lets it go."""
        filters = self.filters
        endpoint = {0: _("Added by hand"), **{each.pk: each.name for each in self.endpoints}}
        found: list[tuple[str, Any]] = [
            ("endpoint", endpoint.get(filters.endpoint, "") if filters.endpoint is not None else ""),
            ("kind", KINDS.get(filters.kind)),
            ("due", DUES.get(filters.due)),
            ("again", AGAIN.get(filters.again)),
            ("test", TESTS.get(filters.test)),
            ("source", _("Source: %s") % filters.source if filters.source else ""),
            ("campaign", _("Campaign: %s") % filters.campaign if filters.campaign else ""),
            ("fresh", _("New") if filters.fresh else ""),
        ]
        nothing = finding.Filters()
        chosen = [(name, words) for name, words in found if words]
        return [Choice(words, query_of(filters, **{name: getattr(nothing, name)}), on=True) for name, words in chosen]

    def all_chosen(self) -> list[Choice]:
        """Everything that is chosen in words, each with the query that lets it go."""
        found = [Choice(f"{chip.label}: {chip.chosen}", chip.without, on=True) for chip in self.chips() if chip.chosen]
        if self.filters.search:
            found.insert(0, Choice(f"“{self.filters.search}”", query_of(self.filters, search=""), on=True))
        return [*found, *self.others()]

    def sorts(self) -> list[Choice]:
        """The orders."""
        return [
            Choice(words, query_of(self.filters, sort=sort), sort == self.filters.sort) for sort, words in SORTS.items()
        ]

    def stage_names(self) -> list[str]:
        """The names of all stages that the chosen leads can be moved to, each once, in their order."""
        return list(dict.fromkeys(stage.name for each in self._chosen_types() for stage in _stages(each)))

    def _is_open(self, view: SavedView) -> bool:
        return bool(self.query) and view.query == self.query

    def _chosen_types(self) -> list[LeadType]:
        if self.filters.lead_type is not None:
            return [each for each in self.types if each.pk == self.filters.lead_type]
        return [each for each in self.types if each.archived_at is None]

    def _types(self) -> Chip:
        chosen = self.filters.lead_type
        shown = [each for each in self.types if each.archived_at is None or each.pk == chosen]
        choices = [
            Choice(each.name, self._toggled("lead_type", each.pk, stages=()), each.pk == chosen, each) for each in shown
        ]
        return self._chip("type", _("Lead type"), choices, lead_type=None, stages=())

    def _stages(self) -> Chip:
        """Stages of the same name in several types are one choice."""
        by_name: dict[str, list[Stage]] = {}
        for each in self._chosen_types():
            for stage in each.stages.all():
                if stage.archived_at is None or stage.pk in self.filters.stages:
                    by_name.setdefault(stage.name, []).append(stage)
        chosen, choices = set(self.filters.stages), []
        for name, stages in by_name.items():
            ids = {stage.pk for stage in stages}
            on = ids <= chosen
            others = tuple(sorted(chosen - ids if on else chosen | ids))
            choices.append(Choice(name, query_of(self.filters, stages=others), on, stages[0]))
        return self._chip("stage", _("Stage"), choices, stages=())

    def _owners(self) -> Chip:
        chosen = self.filters.owner
        usual = (("me", _("Me")), ("nobody", _("Nobody")), ("anybody", _("Anybody")))
        choices = [Choice(words, self._toggled("owner", name), name == chosen) for name, words in usual]
        for member in self.members:
            if member.pk != self.seat.member.pk:
                name = str(member.pk)
                choices.append(Choice(name_of(member), self._toggled("owner", name), name == chosen, member))
        return self._chip("owner", _("Owner"), choices, owner="")

    def _periods(self) -> Chip:
        filters = self.filters
        choices = [
            Choice(words, self._toggled("period", period, since=None, until=None), period == filters.period)
            for period, words in PERIODS.items()
        ]
        chip = self._chip("came", _("Came in"), choices, period="", since=None, until=None)
        if not filters.period and (filters.since or filters.until):
            days = (date_format(day, "j M Y") if day else "…" for day in (filters.since, filters.until))
            chip = chip._replace(chosen=_(" to ").join(days))
        return chip

    def _tags(self) -> Chip:
        chosen, choices = self.filters.tags, []
        for tag in self.tags:
            on = tag.pk in chosen
            others = tuple(pk for pk in chosen if pk != tag.pk) if on else (*chosen, tag.pk)
            choices.append(Choice(tag.name, query_of(self.filters, tags=others), on, tag))
        return self._chip("tag", _("Tags"), choices, tags=())

    def _chip(self, name: str, label: str, choices: list[Choice], **nothing: str | tuple[int, ...] | None) -> Chip:
        words = [str(choice.label) for choice in choices if choice.on]
        chosen = words[0] if len(words) == 1 else _("%d chosen") % len(words) if words else ""
        return Chip(name, label, chosen, choices, query_of(self.filters, **nothing))

    def _toggled(self, name: str, value: Any, **more: Any) -> str:
        """The query with this value, or without it where it is chosen."""
        nothing = getattr(finding.Filters(), name)
        return query_of(self.filters, **{name: nothing if getattr(self.filters, name) == value else value}, **more)

    def _campaigns(
        self, column: Literal["utm_source", "utm_campaign"], name: str, label: str, chosen: str
    ) -> list[Field]:
        values = queries.campaign_values(self.seat.workspace, column)
        if chosen and chosen not in values and "\0" not in chosen:
            values.insert(0, chosen)
        choices: list[tuple[str, str | _StrPromise]] = [("", _("Any")), *((value, value) for value in values)]
        return [Field(name, label, choices, chosen)] if values else []


def name_of(member: Member) -> str:
    """What a member is called."""
    return member.user.name or member.user.email


def _members(seat: Seat) -> Iterable[Member]:
    found = Member.objects.filter(workspace=seat.workspace, deactivated_at=None).select_related("user")
    return found.order_by("user__name", "user__email")


def _stages(lead_type: LeadType) -> list[Stage]:
    return [stage for stage in lead_type.stages.all() if stage.archived_at is None]
