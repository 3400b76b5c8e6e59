"""Telegram, by a bot's token and the id of a chat (https://core.telegram.org/bots/api#sendmessage).

What a visitor wrote stands in ``code`` and ``pre``: there Telegram looks for nothing, so that no ``@name`` is mentioned
and no link is made, and one tap copies a telephone number. The token is the secret; the chat's id may be seen.
"""

from __future__ import annotations

import dataclasses
import html
import re
from typing import TYPE_CHECKING, Any

import msgspec

from stagewise.accounts.errors import ActionError
from stagewise.notify import chats, wording
from stagewise.notify.channels import Checked, Outcome

if TYPE_CHECKING:
    from stagewise.notify.channels import OpenChannel
    from stagewise.notify.models import Delivery

_API = "https://api.telegram.org"
_TOKEN = re.compile(r"([0-9]{5,20}):[A-Za-z0-9_-]{30,80}")
#: A number, below zero for groups and channels, or the name of a public channel.
_CHAT = re.compile(r"-?[0-9]{1,20}|@[A-Za-z][A-Za-z0-9_]{3,40}")
#: Telegram takes 4,096 characters, counted after tags and entities are read, in units of UTF-16.
_MOST = 4_000


class _Parameters(msgspec.Struct):
    retry_after: int | None = None


class _Said(msgspec.Struct):
    """The part of Telegram's answer that matters."""

    ok: bool = False
    description: str = ""
    parameters: _Parameters = msgspec.field(default_factory=_Parameters)


class Telegram:
    """Lets a bot write into a chat of Telegram."""

    name = "telegram"
    label = "Telegram"
    needs_secret = False

    def check(self, target: str, options: dict[str, Any]) -> Checked:
        """The bot's token, kept as a secret, and ``{"chat": id}``; raises ``ActionError``.

        The chat's id may also be typed behind the token: ``123456:ABC…/-1001234567890``.
        """
        token, slash, typed = target.strip().partition("/")
        chat = (typed if slash else str(options.get("chat") or "")).strip()
        bot = _TOKEN.fullmatch(token)
        if bot is None:
            raise ActionError({"target": ["Type the bot's token as BotFather gave it, such as 123456789:AAE…"]})
        if not _CHAT.fullmatch(chat):
            raise ActionError({"chat": ["Type the chat's id, a number such as -1001234567890, or its @name."]})
        return Checked(f"chat {chat}, bot {bot[1]}", {"chat": chat}, token)

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
        """Send one message."""
        if not channel.secret:
            return Outcome(problem="The bot's token is missing; type it once more.", final=True)
        document = {
            "chat_id": channel.options["chat"],
            "text": text(wording.words(payload, delivery.workspace_id)),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        body, found = chats.post_to(f"{_API}/bot{channel.secret}/sendMessage", document, (channel.secret,))
        return found if found.status is None else _judged(found, _said(body))


def text(words: wording.Words) -> str:
    """The message in Telegram's HTML."""
    parts = [f"<b>{_escaped(words.title)}</b>"]
    parts += [f"{label}: <code>{_escaped(value)}</code>" for label, value in words.rows]
    if words.message:
        others = words.title + words.button + "".join(f"{label}: {value}\n" for label, value in words.rows)
        parts.append(f"<pre>{_escaped(_cut(words.message, _MOST - _units(others)))}</pre>")
    parts.append(f'<a href="{html.escape(words.url)}">{words.button}</a>')
    return "\n".join(parts)


def _escaped(value: str) -> str:
    return html.escape(value, quote=False)


def _units(value: str) -> int:
    return len(value.encode("utf-16-le")) // 2


def _cut(value: str, units: int) -> str:
    if _units(value) <= units:
        return value
    return value.encode("utf-16-le")[: 2 * (units - 1)].decode("utf-16-le", "ignore") + "…"


def _said(body: bytes) -> _Said:
    try:
        return msgspec.json.decode(body, type=_Said)
    except (msgspec.DecodeError, RecursionError):
        return _Said()


def _judged(found: Outcome, said: _Said) -> Outcome:
    """The outcome with what Telegram says of it: the pause it wants, or that the bot is not welcome any more."""
    problem = found.problem
    if said.description and not said.ok:
        problem = f"Telegram answered: {wording.line(said.description)}."
    elif not problem and not said.ok:
        problem = "What answered was not Telegram."
    return dataclasses.replace(
        found,
        problem=problem,
        retry_after_s=said.parameters.retry_after or found.retry_after_s,
        # Token revoked, bot thrown out, no such bot; or no such chat.
        gone=found.gone or found.status in (401, 403, 404) or "chat not found" in said.description,
    )
