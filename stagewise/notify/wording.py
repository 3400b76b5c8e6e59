"""What a chat is told of an event: a headline, a few rows, the visitor's words, and where to read on.

All of it is text that means nothing but itself. Each chat escapes it in its own way; here it is only brought to a
length that a chat takes, and freed of characters that would change how the text beside it reads.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stagewise.accounts.models import Workspace
from stagewise.core.text import BIDI_CONTROLS
from stagewise.notify import linked, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Characters of a headline, of a row's value and of a message.
TITLE, VALUE, MESSAGE = 120, 200, 1_400

#: Controls, line and paragraph separators, lone surrogates.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

_TITLES: Final = {
    outbox.CREATED: "New lead",
    outbox.UPDATED: "Lead changed",
    outbox.STAGE_CHANGED: "Lead moved",
    outbox.ASSIGNED: "Lead assigned",
    outbox.DELETED: "Lead deleted",
    outbox.REFUSED: "Calls were refused",
    outbox.ALERT_RAISED: "Alert",
    outbox.ALERT_RESOLVED: "In order again",
    outbox.TEST: "Test from Stagewise",
}
_CAME_BY: Final = {"utm_source": "Source", "utm_campaign": "Campaign", "page_url": "Page"}


class Words(NamedTuple):
    """One message. Empty parts are left out; none is longer than the constants of this module say."""

    title: str
    rows: tuple[tuple[str, str], ...]
    #: What the visitor wrote, of several lines perhaps.
    message: str
    #: A page of the console, and what its button says.
    url: str
    button: str


def words(payload: Mapping[str, Any], workspace_id: int) -> Words:
    """The message about a payload (stagewise/notify/payloads.py)."""
    kind, data = str(payload["type"]), payload["data"]
    slug = Workspace.objects.values_list("slug", flat=True).get(pk=workspace_id)
    title = _TITLES.get(kind, kind)
    if kind.startswith("lead."):
        if data.get("deleted"):
            return Words(title, (("Id", line(data["id"])),), "", linked.url("leads", slug), "Open the leads")
        where = ", ".join(filter(None, (_name(data.get("lead_type")), _name(data.get("endpoint")))))
        url = linked.url("lead", slug, data["id"])
        return Words(
            line(f"{title}: {where}" if where else title, TITLE),
            _rows(data),
            _message(data.get("message")),
            url,
            "Open the lead",
        )
    if kind == outbox.REFUSED:
        return Words(title, _refused(data), "", linked.url("logs", slug), "Open the log")
    if kind in (outbox.ALERT_RAISED, outbox.ALERT_RESOLVED):
        return _alert(title, data, resolved=kind == outbox.ALERT_RESOLVED, url=linked.url("alerts", slug))
    return Words(title, (), _message(data.get("message")), linked.url("leads", slug), "Open Stagewise")


def line(value: object, most: int = VALUE) -> str:
    """A value on one line, without controls, of at most ``most`` characters."""
    return _cut(" ".join(BIDI_CONTROLS.sub("", _CONTROLS.sub(" ", str(value))).split()), most)


def fitted(text: str, most: int, escape: Callable[[str], str]) -> str:
    """The text, escaped character by character, as far as it fits into ``most`` characters."""
    whole = escape(text)
    if len(whole) <= most:
        return whole
    parts, room = [], most - 1
    for escaped in map(escape, text):
        room -= len(escaped)
        if room < 0:
            break
        parts.append(escaped)
    return "".join(parts) + "…"


def _rows(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    came_by = data.get("attribution") or {}
    before, stage = _name(data.get("previous_stage")), _name(data.get("stage"))
    rows = [
        ("Changed", ", ".join(map(_name, data.get("changed") or ())).replace("_", " ")),
        ("Name", data.get("name")),
        ("Phone", data.get("phone")),
        ("E-mail", data.get("email")),
        ("Stage", f"{before} → {stage}" if before else stage),
        ("Owner", _owner(data)),
        *((label, came_by.get(name)) for name, label in _CAME_BY.items()),
    ]
    return tuple((label, line(value)) for label, value in rows if value)


def _owner(data: Mapping[str, Any]) -> str:
    """Whose lead it is, and whose it was where that has changed; empty where it was and is nobody's."""
    owner, before = _name(data.get("owner")), _name(data.get("previous_owner"))
    if "previous_owner" not in data:
        return owner
    return f"{before or 'nobody'} → {owner or 'nobody'}"


def _refused(data: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    by_code = sorted((data.get("by_code") or {}).items(), key=lambda each: (-each[1], each[0]))
    reasons = ", ".join(f"{code} {count:,}" for code, count in by_code)
    rows = [("Endpoint", data.get("endpoint")), ("Refused", f"{data.get('refused', 0):,}"), ("Reasons", reasons)]
    return tuple((label, line(value)) for label, value in rows if value)


def _alert(title: str, data: Mapping[str, Any], *, resolved: bool, url: str) -> Words:
    """An alert as stagewise/notify/alerts describes it; what to do is not said of one that is over."""
    said = [data.get("text"), None if resolved else data.get("advice")]
    about = f"{title}: {data.get('title')}" if data.get("title") else title
    return Words(line(about, TITLE), (), _message("\n".join(filter(None, said))), url, "Open the alerts")


def _message(value: object) -> str:
    text = str(value or "").replace("\r\n", "\n").replace("\r", "\n")
    text = _NOT_IN_TEXT.sub("", BIDI_CONTROLS.sub("", text)).replace("\u2028", "\n").replace("\u2029", "\n")
    return _cut(text.strip(), MESSAGE)


def _name(value: object) -> str:
    """A name, or the name of an object that has one."""
    if isinstance(value, dict):
        value = value.get("name")
    return line(value) if value else ""


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
