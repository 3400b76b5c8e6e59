"""What somebody asks the list for: which leads, in which order. It goes through a page's query and back unchanged."""

from __future__ import annotations

import datetime
import zoneinfo
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stagewise.accounts.models import Member

#: How leads can be put in order. Those that an order says nothing about (nobody changed them, nothing is planned)
#: come after the others, newest first.
SORTS: Final = ("newest", "oldest", "changed", "name", "due")
NEWEST, OLDEST, CHANGED, NAME, DUE = SORTS

#: What each field may be, where it is a word; anything else counts as not asked for.
KINDS: Final = ("open", "won", "lost")
OWNERS: Final = ("me", "nobody", "anybody")
PERIODS: Final = ("today", "yesterday", "7", "30", "90")
AGAIN: Final = ("again", "before")
TESTS: Final = ("hide", "only")
DUES: Final = ("today", "any", "none")

_TEXT_LIMIT: Final = 200
_MANY: Final = 50
_LARGEST: Final = 2**63 - 1


@dataclass(frozen=True)
class Filters:
    """Which leads, and in which order. What is empty leaves nothing out."""

    #: Words, or a phone number: stagewise/leads/search.py says what they are looked for in.
    search: str = ""
    lead_type: int | None = None
    #: Any of these stages.
    stages: tuple[int, ...] = ()
    #: ``open``, ``won`` or ``lost``: the kind of stage.
    kind: str = ""
    #: ``me``, ``nobody``, ``anybody``, or the row id of a member.
    owner: str = ""
    #: Row id of the endpoint that took it; 0: added by hand or from a file.
    endpoint: int | None = None
    #: The days on which it came, both included.
    since: datetime.date | None = None
    until: datetime.date | None = None
    #: ``today``, ``yesterday``, or of so many days up to today; with it ``since`` and ``until`` say nothing.
    period: str = ""
    #: All of these tags.
    tags: tuple[int, ...] = ()
    #: ``again``: the same came again within five minutes; ``before``: the same person wrote before.
    again: str = ""
    #: Test leads: ``hide`` or ``only``.
    test: str = ""
    #: What its campaign says (utm_source, utm_campaign).
    source: str = ""
    campaign: str = ""
    #: New, as stagewise/leads/news.py means it: of the last days, nobody has touched it, no test.
    fresh: bool = False
    #: An open task: ``today`` (due by the end of the day, or late), ``any``, ``none``.
    due: str = ""
    sort: str = NEWEST
    #: Who asks, and in which time zone days begin; not part of the query. Empty: the workspace's zone.
    me: int | None = None
    zone: str = ""
    #: For programs: came at this moment or later, and before that one (milliseconds since 1970); beside the days.
    from_ms: int | None = None
    until_ms: int | None = None

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Self:
        """What a page's query (or a saved one) asks for; what cannot be read counts as not asked for."""

        def word(name: str, known: tuple[str, ...], usual: str = "") -> str:
            return text if (text := query.get(name, "")) in known else usual

        owner = query.get("owner", "")
        return cls(
            search=query.get("q", "").strip()[:_TEXT_LIMIT],
            lead_type=_number(query.get("type")),
            stages=_numbers(_all(query, "stage")),
            kind=word("kind", KINDS),
            owner=owner if owner in OWNERS or _number(owner) is not None else "",
            endpoint=_number(query.get("endpoint")),
            since=_date(query.get("from")),
            until=_date(query.get("to")),
            period=word("came", PERIODS),
            tags=_numbers(_all(query, "tag")),
            again=word("again", AGAIN),
            test=word("test", TESTS),
            source=query.get("source", "").strip()[:_TEXT_LIMIT],
            campaign=query.get("campaign", "").strip()[:_TEXT_LIMIT],
            fresh=query.get("new") == "1",
            due=word("due", DUES),
            sort=word("sort", SORTS, NEWEST),
        )

    def to_query(self) -> list[tuple[str, str]]:
        """The same as names and values, for ``urlencode`` or hidden fields; what was not asked for is left out."""
        dates = (("from", self.since), ("to", self.until))
        pairs = [
            ("q", self.search),
            ("type", "" if self.lead_type is None else str(self.lead_type)),
            *(("stage", str(each)) for each in self.stages),
            ("kind", self.kind),
            ("owner", self.owner),
            ("endpoint", "" if self.endpoint is None else str(self.endpoint)),
            ("came", self.period),
            *((name, day.isoformat()) for name, day in dates if day and not self.period),
            *(("tag", str(each)) for each in self.tags),
            ("again", self.again),
            ("test", self.test),
            ("source", self.source),
            ("campaign", self.campaign),
            ("new", "1" if self.fresh else ""),
            ("due", self.due),
            ("sort", "" if self.sort == NEWEST else self.sort),
        ]
        return [(name, value) for name, value in pairs if value]

    @property
    def chosen(self) -> bool:
        """Whether it leaves leads out; an order alone does not."""
        moments = (self.from_ms, self.until_ms)
        return any(name != "sort" for name, _value in self.to_query()) or any(each is not None for each in moments)

    def seen_by(self, member: Member | None, zone: zoneinfo.ZoneInfo | None = None) -> Self:
        """The same as this member means it: with ``me`` and the zone that days are in."""
        return replace(self, me=member.pk if member else None, zone=zone.key if zone else "")

    def days(self, today: datetime.date) -> tuple[datetime.date | None, datetime.date | None]:
        """The first and the last day that leads came on."""
        match self.period:
            case "":
                return self.since, self.until
            case "today":
                return today, today
            case "yesterday":
                day = today - datetime.timedelta(days=1)
                return day, day
        return today - datetime.timedelta(days=int(self.period) - 1), today


def _all(query: Mapping[str, str], name: str) -> list[str]:
    """All values of a name: of a QueryDict those that came, of a plain mapping the one that it holds."""
    getlist = getattr(query, "getlist", None)
    if getlist is not None:
        return list(getlist(name))
    return [query[name]] if name in query else []


def _number(text: str | None) -> int | None:
    if text and text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST:
        return int(text)
    return None


def _numbers(texts: list[str]) -> tuple[int, ...]:
    found = (_number(text) for text in texts)
    return tuple(dict.fromkeys(number for number in found if number is not None))[:_MANY]


def _date(text: str | None) -> datetime.date | None:
    try:
        found = datetime.date.fromisoformat(text or "")
    except ValueError:
        return None
    # A year beyond these has no room for a time zone on both sides.
    return found if 1 < found.year < 9999 else None
