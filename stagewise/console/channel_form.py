"""A channel as a page shows it and a person sends it: text and boxes in fields, read into plain values.

What makes a good value, the kinds of channels say (stagewise/notify/channels); here is only what has to do with typing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from stagewise.accounts.models import Member
from stagewise.endpoints import queries as endpoints
from stagewise.leads import queries as leads
from stagewise.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import QueryDict
    from django.utils.functional import _StrPromise

    from stagewise.accounts.models import Workspace
    from stagewise.notify.models import Channel


class Look(NamedTuple):
    """How a kind of channel is asked for: what it is in one line, its target's label, hint and example."""

    line: str | _StrPromise
    target: str | _StrPromise
    hint: str | _StrPromise
    placeholder: str
    #: The target is a secret: it is typed whole or not at all, and never shown again.
    hidden: bool = False


LOOKS = {
    "email": Look(
        _("Every lead in the mailboxes of those who work it."),
        _("E-mail addresses"),
        _("With commas between them. Each gets a mail of its own; an answer to it goes to the lead."),
        "sales@yoursite.com, support@yoursite.com",
    ),
    "webhook": Look(
        _("Every event as JSON to a program of yours, signed by the rules of Standard Webhooks."),
        _("URL"),
        _("It gets a POST for each event, and answers with 200 to 299 once it has it."),
        "https://yoursite.com/hooks/stagewise",
    ),
    "slack": Look(
        _("A message in a Slack channel."),
        _("URL of the incoming webhook"),
        _("Slack shows it when you add an incoming webhook to an app. It is kept encrypted and not shown again."),
        "https://hooks.slack.com/services/…",
        hidden=True,
    ),
    "discord": Look(
        _("A message in a Discord channel."),
        _("URL of the webhook"),
        _("In Discord: the channel's settings, Integrations, Webhooks. It is kept encrypted and not shown again."),
        "https://discord.com/api/webhooks/…",
        hidden=True,
    ),
    "teams": Look(
        _("A message in a Microsoft Teams channel."),
        _("URL of the workflow"),
        _("In Teams: Workflows, “when a webhook request is received”. It is kept encrypted and not shown again."),
        "https://…",
        hidden=True,
    ),
    "telegram": Look(
        _("A message from your bot in a Telegram chat."),
        _("Token of the bot"),
        _("@BotFather gives it to you. It is kept encrypted and not shown again."),
        "123456789:AAE…",
        hidden=True,
    ),
}
#: For a kind that this page does not know yet.
_PLAIN = Look("", _("Target"), "", "")


def _ids(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def _line(texts: list[str]) -> str:
    return texts[-1].strip() if texts else ""


def _flag(texts: list[str]) -> bool:
    return bool(texts and texts[-1])


def _count(texts: list[str]) -> int:
    digits = _line(texts)
    if not (digits.isascii() and digits.isdigit() and len(digits) < 8):
        raise forms.ValidationError(gettext("“%s” is no whole number.") % digits[:40])
    return int(digits)


#: kind → option → how what was posted under its name is read. Options that are not sent keep their value.
OPTIONS: dict[str, dict[str, Callable[[list[str]], Any]]] = {
    "email": {
        **dict.fromkeys(("members", "lead_types", "acknowledge_endpoints"), _ids),
        **dict.fromkeys(("acknowledge_subject", "acknowledge_text", "acknowledge_reply_to"), _line),
        "acknowledge": _flag,
        "acknowledge_per_hour": _count,
    },
    "telegram": {"chat": _line},
}

#: What the fields show before anything was saved.
_FIRST: dict[str, dict[str, Any]] = {"email": {"acknowledge_per_hour": 30}}


class Typed(NamedTuple):
    """A channel as somebody typed it."""

    name: str
    target: str
    events: list[str]
    options: dict[str, Any]
    problems: dict[str, list[str]]


def look_of(kind: str) -> Look:
    """How a kind is asked for."""
    return LOOKS.get(kind, _PLAIN)


def typed(kind: str, posted: QueryDict) -> Typed:
    """What was posted; ``problems`` has the texts that cannot be read as what they should be."""
    options: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, read in OPTIONS.get(kind, {}).items():
        try:
            options[name] = read(posted.getlist(name))
        except forms.ValidationError as error:
            problems[name] = list(error.messages)
    return Typed(posted.get("name", ""), posted.get("target", ""), posted.getlist("events"), options, problems)


def values(kind: str, found: Channel | Typed | None) -> dict[str, Any]:
    """What the fields show of a saved channel, of what was typed, or of a new one. Never a secret."""
    shown: dict[str, Any] = {"events": list(outbox.USUAL), **_FIRST.get(kind, {})}
    if found is not None:
        hidden = look_of(kind).hidden and not isinstance(found, Typed)
        target = "" if hidden else found.target
        shown |= {"name": found.name, "target": target, "events": found.events, **found.options}
    return shown


def choices(workspace: Workspace, kind: str) -> dict[str, list[tuple[Any, str]]]:
    """What can be ticked, by field."""
    found: dict[str, list[tuple[Any, str]]] = {"events": [(kind, str(words)) for kind, words in outbox.KINDS.items()]}
    if kind == "email":
        members = Member.objects.select_related("user").filter(workspace=workspace).order_by("id")
        types = [each for each in leads.lead_types(workspace) if each.archived_at is None]
        found["members"] = [(each.pk, f"{each.user.email} ({each.get_role_display()})") for each in members]
        found["lead_types"] = [(each.pk, each.name) for each in types]
        found["acknowledge_endpoints"] = [(each.pk, each.name) for each in endpoints.of_workspace(workspace)]
    return found
