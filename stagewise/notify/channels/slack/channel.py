"""Slack, by the URL of an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).

Everything that a visitor wrote stands in objects of the type ``plain_text``, which know no formatting. ``&``, ``<`` and
``>``, by which Slack finds mentions and links, are written as entities in every text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from stagewise.notify import chats, wording

if TYPE_CHECKING:
    from stagewise.notify.channels import Checked, OpenChannel, Outcome
    from stagewise.notify.models import Delivery

_SERVICE = chats.Service(
    "Slack",
    ("slack.com", "slack-gov.com"),
    re.compile(r"/(services|workflows|triggers)/."),
    "https://hooks.slack.com/services/",
)
#: What Slack takes in a header, and in a section.
_HEADER, _SECTION = 150, 3_000


class Slack:
    """Writes into a channel of Slack."""

    name = "slack"
    label = "Slack"
    needs_secret = False

    def check(self, target: str, options: dict[str, Any]) -> Checked:
        """The webhook's URL, kept as a secret; raises ``ActionError``."""
        return chats.check(_SERVICE, target, options)

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
        """Post one message."""
        return chats.post(channel, message(wording.words(payload, delivery.workspace_id)))


def message(words: wording.Words) -> dict[str, Any]:
    """The message as blocks. ``text`` is what a phone shows before the chat is opened."""
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(words.title, _HEADER)}]
    rows = "\n".join(f"{label}: {value}" for label, value in words.rows)
    blocks += [{"type": "section", "text": _plain(text, _SECTION)} for text in (rows, words.message) if text]
    # The one formatted text: a link of ours. A button would want an app that answers when it is pressed.
    link = f"<{_escaped(words.url)}|{words.button}>"
    blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link, "verbatim": True}})
    return {
        "text": wording.fitted(words.title, _HEADER, _escaped),
        "mrkdwn": False,
        "parse": "none",
        "link_names": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": blocks,
    }


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": wording.fitted(text, most, _escaped), "emoji": False}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
