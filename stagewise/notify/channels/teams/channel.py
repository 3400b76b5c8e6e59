"""Microsoft Teams, by the URL of a workflow that posts what it receives ("When a Teams webhook request is received").

A message is an Adaptive Card (https://adaptivecards.microsoft.com). Its ``TextBlock`` reads Markdown and date
functions; what stands in the ``TextRun`` of a ``RichTextBlock`` is text and nothing else, so everything goes there.
A card mentions somebody only by an entity of its own, and there are none.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from stagewise.notify import chats, wording

if TYPE_CHECKING:
    from stagewise.notify.channels import Checked, OpenChannel, Outcome
    from stagewise.notify.models import Delivery

_SERVICE = chats.Service(
    "Microsoft Teams",
    ("webhook.office.com", "logic.azure.com", "api.powerplatform.com"),
    re.compile(r"/[^?]+"),
    "https://…logic.azure.com/workflows/",
)
#: Connectors, which workflows have replaced, answered 200 to everything and told of failures in words.
_FAILED_ALL_THE_SAME = "Webhook message delivery failed"
#: A card may have 28 KiB: what comes after so many lines is put on one.
_MOST_LINES = 40


class Teams:
    """Writes into a channel of Microsoft Teams."""

    name = "teams"
    label = "Microsoft Teams"
    needs_secret = False

    def check(self, target: str, options: dict[str, Any]) -> Checked:
        """The workflow's URL, kept as a secret; raises ``ActionError``."""
        return chats.check(_SERVICE, target, options)

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
        """Post one message."""
        found = chats.post(channel, message(wording.words(payload, delivery.workspace_id)))
        if not found.problem and found.answer.startswith(_FAILED_ALL_THE_SAME):
            return dataclasses.replace(found, problem="Teams took the message, but could not post it.")
        return found


def message(words: wording.Words) -> dict[str, Any]:
    """The message as an Adaptive Card with a button that leads to the console."""
    body = [_text(_run(words.title, weight="Bolder", size="Medium"))]
    body += [_text(_run(f"{label}: ", isSubtle=True), _run(value)) for label, value in words.rows]
    # A run has no line breaks: each line of a message is a block of its own.
    lines = [line for line in words.message.split("\n") if line.strip()]
    lines[_MOST_LINES:] = [" ".join(lines[_MOST_LINES:])] if lines[_MOST_LINES:] else []
    body += [_text(_run(line), spacing="None") for line in lines]
    card = {
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
        "actions": [{"type": "Action.OpenUrl", "title": words.button, "url": words.url}],
        "msteams": {"width": "Full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _run(text: str, **how: Any) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **how}


def _text(*runs: dict[str, Any], **how: Any) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": list(runs), **how}
