"""Which pages :mod:`bench.pages` asks for: every page of the console, and those of leads and calls in many ways.

Django is set up, and the workspace has leads.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from django.urls import reverse
from django.utils.http import urlencode

from stagewise.accounts import tokens
from stagewise.accounts.models import Member
from stagewise.endpoints.models import Endpoint
from stagewise.leads.finding import Cursor
from stagewise.leads.models import Lead, LeadType, Tag
from tests.console import routes
from tests.support.cast import Place

#: Files rather than pages: they are as long as what they hold.
_FILES: Final = {"logs_export", "lead_import_report"}
_OF_A_PERSON: Final = ("account", "workspace_new")


class Asked(NamedTuple):
    """A page, where it is, and what a program shows to be let in (empty: a browser that is logged in)."""

    page: str
    path: str
    token: str = ""


def pages(owner: Member) -> list[Asked]:
    """All of them, as this member sees them."""
    place = _place(owner)
    slug = owner.workspace.slug
    leads, logs, board, overview, audit = (
        reverse(name, args=[slug]) for name in ("leads", "logs", "board", "overview", "audit")
    )
    found = [
        *_asked("Overview", overview, {"": {}, "7 days": {"days": 7}}),
        *_asked("Leads", leads, {"": {}, **_searches(place), **_filters(place), **_sorts(), **_deep()}),
        *_asked("Export", reverse("leads_export", args=[slug]), {"": {}, "a search": {"q": "kitchen"}}),
        *_asked("Board", board, {"": {}, "another type": {"type": place.types[0].pk}, "mine": {"owner": "me"}}),
        *_asked("Logs", logs, _calls(place)),
        *_asked("Audit", audit, {"": {}, "leads": {"kind": "leads"}}),
    ]
    there = {each.path for each in found}
    others = [_other(name, place) for name, route in routes.OF_A_WORKSPACE.items() if route.read and name not in _FILES]
    found += [each for each in others if each.path not in there]
    found += [Asked(_words(name), reverse(name)) for name in _OF_A_PERSON]
    return found + _of_a_program(owner, place)


def _place(owner: Member) -> Place:
    workspace = owner.workspace
    newest = Lead.objects.filter(workspace=workspace).latest("id")
    middle = Lead.objects.filter(workspace=workspace, id__lte=newest.pk // 2).latest("id")
    types = list(LeadType.objects.filter(workspace=workspace).order_by("-position"))
    endpoint = Endpoint.objects.filter(workspace=workspace).order_by("id")[0]
    # No page that is only read is one of a held lead.
    held: Any = None
    return Place(workspace=workspace, endpoint=endpoint, types=types, lead=middle, held=held)


def _asked(page: str, path: str, queries: dict[str, dict[str, Any]]) -> list[Asked]:
    return [
        Asked(f"{page}: {name}" if name else page, f"{path}?{urlencode(query, doseq=True)}" if query else path)
        for name, query in queries.items()
    ]


def _searches(place: Place) -> dict[str, dict[str, Any]]:
    lead = place.lead
    return {
        "a common name": {"q": "anna"},
        "a whole name": {"q": lead.name},
        "an e-mail address": {"q": lead.email},
        "a domain of mail": {"q": "example.com"},
        "a phone number": {"q": lead.phone},
        "the end of a number": {"q": lead.phone[-6:]},
        "words of messages": {"q": "kitchen quote"},
        "a rare word": {"q": lead.email.partition("@")[0]},
        "a word nobody wrote": {"q": "zeppelinous"},
        "common pieces, nobody": {"q": "ingthe andwith"},
        "two letters": {"q": "an"},
        "two letters, nobody": {"q": "zq"},
        "Arabic": {"q": "المطبخ"},
        "Arabic, nobody": {"q": "قسطنطينية"},
        "Chinese characters": {"q": "山田"},
        "Chinese, a message": {"q": "見積もり"},
        "one character": {"q": "森"},
        "Cyrillic": {"q": "кухню"},
    }


def _filters(place: Place) -> dict[str, dict[str, Any]]:
    last_type = place.types[0]
    first, last = last_type.stages.order_by("position")[0], last_type.stages.order_by("-position")[0]
    tags = list(Tag.objects.filter(workspace=place.workspace).order_by("hue"))
    few, many = tags[-1].pk, tags[0].pk
    six = {"type": last_type.pk, "kind": "won", "owner": "anybody", "came": "90", "tag": many, "source": "search"}
    return {
        "of a type": {"type": last_type.pk},
        "in a stage": {"stage": last.pk},
        "in two stages": {"stage": [first.pk, last.pk]},
        "won": {"kind": "won"},
        "mine": {"owner": "me"},
        "nobody's": {"owner": "nobody"},
        "of an endpoint": {"endpoint": place.endpoint.pk},
        "added by hand": {"endpoint": 0},
        "of 90 days": {"came": "90"},
        "of a year ago": {"from": "2025-01-01", "to": "2025-12-31"},
        "a common tag": {"tag": many},
        "a rare tag": {"tag": few},
        "two tags": {"tag": [few, many]},
        "came again": {"again": "again"},
        "wrote before": {"again": "before"},
        "tests": {"test": "only"},
        "a source": {"source": "newsletter"},
        "a campaign nobody had": {"campaign": "nothing"},
        "new": {"new": 1},
        "due today": {"due": "today"},
        "nothing planned": {"due": "none"},
        "six filters": six,
        "six filters and a word": {**six, "q": "kitchen"},
        "mine, won, a word nobody wrote": {"owner": "me", "kind": "won", "q": "zeppelinous"},
        "by hand, two letters": {"endpoint": 0, "q": "an"},
        "a type, wrote before, nobody's": {"type": last_type.pk, "again": "before", "owner": "nobody"},
    }


def _sorts() -> dict[str, dict[str, Any]]:
    sorts = {f"by {sort}": {"sort": sort} for sort in ("oldest", "changed", "name", "due")}
    return {
        **sorts,
        "by name, a common name": {"sort": "name", "q": "anna"},
        "by name, won": {"sort": "name", "kind": "won"},
        "by change, nobody wrote": {"sort": "changed", "q": "zeppelinous"},
        "by what is due, mine": {"sort": "due", "owner": "me"},
        "oldest, a word": {"sort": "oldest", "q": "kitchen"},
    }


def _deep() -> dict[str, dict[str, Any]]:
    newest = Lead.objects.latest("id").pk
    middle, early = newest // 2, newest // 100
    changed = Lead.objects.filter(pk__lte=middle, changed_at__isnull=False).latest("id")
    at = {
        "deep": Cursor("newest", 0, middle, middle),
        "at the end": Cursor("newest", 0, early, early),
        "deep, by name": Cursor("name", 1, "m", 0),
        "deep, by change": Cursor("changed", 0, changed.changed_at or 0, changed.pk),
        "deep, never changed": Cursor("changed", 1, middle, middle),
    }
    deep = {name: {"sort": cursor.sort, "before": str(cursor)} for name, cursor in at.items()}
    return {**deep, "deep, a word": {**deep["deep"], "q": "kitchen"}, "deep, won": {**deep["deep"], "kind": "won"}}


def _calls(place: Place) -> dict[str, dict[str, Any]]:
    return {
        "": {},
        "7 days": {"period": "7d"},
        "refused": {"outcome": "refused"},
        "taken": {"outcome": "accepted"},
        "an IP": {"address": "203.0.113.250"},
        "an IP nobody has": {"address": "2001:db8::1"},
        "a part of an origin": {"origin": "example"},
        "of an endpoint": {"endpoint": place.endpoint.pk},
        "a request": {"request": "nothing"},
        "an IP, refused": {"address": "203.0.113.250", "outcome": "refused"},
    }


def _other(name: str, place: Place) -> Asked:
    return Asked(_words(name), routes.path(name, place))


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _of_a_program(owner: Member, place: Place) -> list[Asked]:
    made = tokens.make(owner, "Bench", tokens.SCOPES, 1)
    lead, kind = place.lead, place.types[0].name
    queries: dict[str, dict[str, Any]] = {
        "leads": {},
        "200 leads": {"limit": 200},
        "a word": {"search": "kitchen"},
        "a word nobody wrote": {"search": "zeppelinous"},
        "an e-mail address": {"search": lead.email},
        "a type, won": {"lead_type": kind, "stage_kind": "won"},
        "mine, by name": {"owner": "me", "sort": "name"},
        "of some days": {"created_since": "2026-01-01", "created_until": "2026-01-08"},
        "deep": {"cursor": str(Cursor("newest", 0, lead.pk, lead.pk))},
    }
    found = _asked("API", reverse("api:api_leads"), queries)
    found += _asked("API", reverse("api:api_lead", args=[lead.public_id]), {"a lead": {}})
    return [each._replace(token=made.secret) for each in found]
