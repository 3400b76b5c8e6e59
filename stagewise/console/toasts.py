"""Short messages after an act, with an Undo where the act can be undone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.contrib import messages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.contrib.messages.storage.base import Message
    from django.http import HttpRequest

    from stagewise.accounts.errors import ActionError


def say(request: HttpRequest, text: str, *, undo: str = "", fields: Mapping[str, str | int] | None = None) -> None:
    """Say that something was done. ``undo`` is the URL that ``fields`` are posted to by the Undo button."""
    tags = json.dumps({"url": undo, "fields": dict(fields or {})}) if undo else ""
    messages.success(request, text, extra_tags=tags)


def refuse(request: HttpRequest, error: ActionError) -> None:
    """Say why something was not done."""
    messages.error(request, str(error))


def read(message: Message) -> dict[str, Any]:
    """A message as the template shows it: text, whether it is bad news, and its undo."""
    undo = json.loads(message.extra_tags) if message.extra_tags else None
    return {"text": str(message), "bad": message.level >= messages.ERROR, "undo": undo}
