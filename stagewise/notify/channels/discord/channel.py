"""Discord, by the URL of a webhook (https://discord.com/developers/docs/resources/webhook#execute-webhook).

Discord reads Markdown everywhere. A backslash before a mark takes its meaning away, so one stands before every ASCII
character that is neither letter nor digit nor space. Nobody is mentioned: ``allowed_mentions`` names no kind of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stagewise.notify import chats, wording

if TYPE_CHECKING:
    from stagewise.notify.channels import Checked, OpenChannel, Outcome
    from stagewise.notify.models import Delivery

_SERVICE = chats.Service(
    "Discord",
    ("discord.com", "discordapp.com"),
    re.compile(r"/api/(v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]+(\?.*)?$"),
    "https://discord.com/api/webhooks/",
)
#: Characters of a title, a field and a description. Together they stay below the 6,000 that Discord takes.
_TITLE, _FIELD, _DESCRIPTION = 256, 400, 2_800
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")


class Discord:
    """Writes into a channel of Discord."""

    name = "discord"
    label = "Discord"
    needs_secret = False

    def check(self, target: str, options: dict[str, Any]) -> Checked:
        """The webhook's URL, kept as a secret; raises ``ActionError``."""
        return chats.check(_SERVICE, target, options)

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
        """Post one message."""
        return chats.post(channel, message(wording.words(payload, delivery.workspace_id)))


def message(words: wording.Words) -> dict[str, Any]:
    """The message as one embed, whose title leads to the console."""
    embed: dict[str, Any] = {"title": _escaped(words.title, _TITLE), "url": words.url}
    if words.message:
        embed["description"] = _escaped(words.message, _DESCRIPTION)
    if words.rows:
        embed["fields"] = [{"name": label, "value": _escaped(value, _FIELD)} for label, value in words.rows]
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _escaped(text: str, most: int) -> str:
    return wording.fitted(text, most, lambda part: _MARKS.sub(r"\\\1", part))
