"""What a mail says, before it is text or HTML: headline, words, links and facts, made of an event's payload.

Subjects are ours: they name the lead type and the endpoint, which the owner chose, and nothing that a visitor sent.
"""

from __future__ import annotations

import datetime
import re
import zoneinfo
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from stagewise.core.refusal import REFUSALS
from stagewise.core.text import BIDI_CONTROLS
from stagewise.notify import linked, outbox
from stagewise.notify.channels.email.options import for_header

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stagewise.accounts.models import Workspace

MOST_SUBJECT = 120
#: Of a value in the list of facts, such as a page's URL.
_MOST_FACT = 300

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
#: What a message is better without, whoever stored it: controls but TAB and LF, lone surrogates.
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
#: The beginning of a telephone number that can be dialled, without an extension.
_DIALLED = re.compile(r"\+?[0-9 ()./-]+", re.ASCII)

_LEAD_WORDS = {outbox.CREATED: "New lead", outbox.UPDATED: "Lead changed", outbox.ASSIGNED: "Lead assigned"}
_CAME_BY = {
    "page_url": "Page",
    "referrer": "Came from",
    "utm_source": "Source",
    "utm_medium": "Medium",
    "utm_campaign": "Campaign",
    "utm_term": "Term",
    "utm_content": "Content",
}


class Link(NamedTuple):
    """Something to click."""

    label: str
    url: str


class View(NamedTuple):
    """The contents of one mail. Empty values are left out."""

    subject: str
    #: The small line above the headline, and the headline.
    kicker: str
    title: str
    #: Sentences of ours, a paragraph each.
    intro: tuple[str, ...] = ()
    #: How to reach the person, as links.
    contacts: tuple[tuple[str, Link], ...] = ()
    #: What the visitor wrote.
    message: str = ""
    button: Link | None = None
    facts: tuple[tuple[str, str], ...] = ()
    #: Many things with a link each, for digests.
    items: tuple[Item, ...] = ()
    #: The address that an answer goes to, fit for a header.
    reply_to: str | None = None
    #: Stronger colours: something is wrong.
    alarm: bool = False


class Item(NamedTuple):
    """One line of a digest."""

    title: str
    facts: str
    link: Link | None = None


def of_lead(workspace: Workspace, kind: str, data: Mapping[str, Any]) -> View:
    """What is told of a lead's event. ``data`` is that of the payload."""
    lead_type, endpoint = _name(data.get("lead_type")), _name(data.get("endpoint"))
    where = ", ".join(filter(None, (lead_type, endpoint or "added by hand")))
    kicker = (
        f"Lead moved to {_name(data.get('stage'))}" if kind == outbox.STAGE_CHANGED else _LEAD_WORDS.get(kind, "Lead")
    )
    email = fact(data.get("email") or "")
    is_for_who_works_it = kind in _LEAD_WORDS
    return View(
        subject=subject(f"{kicker}: {where}"),
        kicker=f"{kicker} · {where}",
        title=fact(data.get("name") or "A lead"),
        intro=_what_changed(kind, data),
        contacts=_contacts(data, email),
        message=_text(data.get("message") or "") if is_for_who_works_it else "",
        button=Link("Open the lead", lead_url(workspace, str(data["id"]))),
        facts=_lead_facts(workspace, data, lead_type, endpoint),
        reply_to=for_header(email) if is_for_who_works_it else None,
    )


def _what_changed(kind: str, data: Mapping[str, Any]) -> tuple[str, ...]:
    """What is different from before, as a sentence; nothing of a lead that has just come."""
    before, owner = _name(data.get("previous_stage")), _name(data.get("owner"))
    if kind == outbox.STAGE_CHANGED:
        return (f"It was in “{before}” before.",) if before else ()
    if kind == outbox.UPDATED:
        changed = ", ".join(_name(each).replace("_", " ") for each in data.get("changed") or ())
        return (f"What was changed: {changed}.",) if changed else ("The details of this lead were changed.",)
    if kind == outbox.ASSIGNED:
        return (f"It is {owner}'s to work now." if owner else "It is nobody's to work now.",)
    return ()


def of_deleted_lead(workspace: Workspace, data: Mapping[str, Any]) -> View:
    """What is told of a lead that is no more: that it was there."""
    return View(
        subject=subject(f"Lead deleted: {workspace.name}"),
        kicker=f"Lead deleted · {workspace.name}",
        title="A lead was deleted",
        intro=("So this mail says no more of it than its id. In Stagewise it can be put back for 30 days.",),
        facts=(("Id", str(data.get("id") or "unknown")),),
    )


def of_alert(workspace: Workspace, kind: str, data: Mapping[str, Any]) -> View:
    """What is told of an alert: what was seen and what to do, or that it is over."""
    over = kind == outbox.ALERT_RESOLVED
    kicker = "In order again" if over else "Needs a look"
    title = fact(data.get("title") or "Something needs a look")
    said = () if over else (data.get("text"), data.get("advice"))
    times = (("Since", data.get("raised_at")), ("Until", data.get("resolved_at")))
    return View(
        subject=subject(f"{kicker}: {title}"),
        kicker=f"{kicker} · {workspace.name}",
        title=title,
        intro=tuple(_text(each) for each in said if each),
        button=Link("Open the alerts", linked.url("alerts", workspace.slug)),
        facts=tuple((label, moment(workspace, str(at))) for label, at in times if at),
        alarm=not over,
    )


def of_refused(workspace: Workspace, data: Mapping[str, Any]) -> View:
    """What is told of an hour's refused calls: how many, and why."""
    endpoint, count = _name(data.get("endpoint")), int(data.get("refused") or 0)
    by_code = sorted((data.get("by_code") or {}).items(), key=lambda each: (-each[1], each[0]))
    period = [brief(workspace, str(data[name])) for name in ("from", "until") if data.get(name)]
    calls = "call" if count == 1 else "calls"
    return View(
        subject=subject(f"Refused: {count:,} {calls}, {endpoint}"),
        kicker=f"Refused calls · {endpoint}",
        title=f"{count:,} {calls} refused",
        intro=(f"From {' to '.join(period)} ({workspace.time_zone}).",) if period else (),
        button=Link("Open the log", linked.url("logs", workspace.slug)),
        facts=tuple((f"{number:,} times", _reason(code)) for code, number in by_code),
    )


def _reason(code: str) -> str:
    """Why a call was refused, as the log says it."""
    return f"{REFUSALS[code].in_words.rstrip('.')} ({code})" if code in REFUSALS else fact(code)


def of_test(workspace: Workspace, channel: str) -> View:
    """What is sent to try a channel out, which may have no name yet."""
    return View(
        subject=subject(f"Test of the channel {channel}" if channel else f"Test of a mail channel of {workspace.name}"),
        kicker=f"Test · {workspace.name}",
        title="Mail from Stagewise arrives",
        intro=(
            "Somebody tried out this channel.",
            "When a lead comes in, its mail will reach you here: with name, phone number and message, and with a link.",
        ),
        button=Link("Open your leads", linked.url("leads", workspace.slug)),
    )


def subject(text: str) -> str:
    """The text as a subject: one line without controls, of at most :data:`MOST_SUBJECT` characters."""
    line = " ".join(BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", text)).split())
    return line if len(line) <= MOST_SUBJECT else f"{line[: MOST_SUBJECT - 1]}…"


def lead_url(workspace: Workspace, public_id: str) -> str:
    """The lead's page in the console."""
    return linked.url("lead", workspace.slug, public_id)


def moment(workspace: Workspace, iso: str) -> str:
    """A moment of a payload as people of the workspace say it."""
    at = _local(workspace, iso)
    return iso if at is None else f"{at:%a %-d %b %Y, %H:%M} ({workspace.time_zone})"


def brief(workspace: Workspace, iso: str) -> str:
    """The same in a few characters, for lists."""
    at = _local(workspace, iso)
    return iso if at is None else f"{at:%-d %b, %H:%M}"


def _local(workspace: Workspace, iso: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(iso).astimezone(zoneinfo.ZoneInfo(workspace.time_zone))
    except (ValueError, zoneinfo.ZoneInfoNotFoundError):
        return None


def fact(value: object) -> str:
    """A value on one line, not too long."""
    line = " ".join(BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", str(value))).split())
    return line if len(line) <= _MOST_FACT else f"{line[: _MOST_FACT - 1]}…"


def _text(value: object) -> str:
    """Text of several lines, with LF between them."""
    return BIDI_CONTROLS.sub("", _NOT_IN_TEXT.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n")))


def _name(value: object) -> str:
    """A name, or the name of an object with one."""
    if isinstance(value, dict):
        value = value.get("name")
    return fact(value) if value else ""


def _contacts(data: Mapping[str, Any], email: str) -> tuple[tuple[str, Link], ...]:
    found = []
    phone = fact(data.get("phone") or "")
    if phone:
        found.append(("Phone", Link(phone, _tel(data.get("phone_e164"), phone))))
    if email:
        # RFC 6068: everything but letters, digits and a few marks is written in percent.
        found.append(("E-mail", Link(email, f"mailto:{quote(email, safe='@')}")))
    return tuple(found)


def _tel(e164: object, phone: str) -> str:
    """The number as a URL (RFC 3966); empty where it does not begin with something to dial."""
    beginning = _DIALLED.match(phone)
    digits = str(e164 or (beginning[0] if beginning else ""))
    dialled = re.sub(r"[^0-9+]", "", digits)
    return f"tel:{dialled}" if dialled.strip("+") else ""


def _lead_facts(
    workspace: Workspace, data: Mapping[str, Any], lead_type: str, endpoint: str
) -> tuple[tuple[str, str], ...]:
    came_by = data.get("attribution") or {}
    rows = [
        ("Lead type", lead_type),
        ("Stage", _name(data.get("stage"))),
        ("Owner", _name(data.get("owner"))),
        ("Tags", ", ".join(map(_name, data.get("tags") or ()))),
        ("Endpoint", endpoint),
        ("Received", moment(workspace, str(data.get("created_at") or ""))),
        *((label, fact(came_by[name])) for name, label in _CAME_BY.items() if came_by.get(name)),
    ]
    return tuple((label, value) for label, value in rows if value)
