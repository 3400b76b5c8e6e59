"""What the chats with an incoming-webhook URL share: how such a URL is checked and kept, and how a message is posted.

The URL is the secret: whoever has it can write into the chat. So it is kept sealed, and people see its host only.
"""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from stagewise.accounts.errors import ActionError
from stagewise.notify import outbound, outbound_urls, receivers
from stagewise.notify.channels import Checked, Outcome

if TYPE_CHECKING:
    from stagewise.notify.channels import OpenChannel


class Service(NamedTuple):
    """A chat's incoming webhooks. ``hosts`` are its own (and what ends in ``.host``), where ``path`` must fit."""

    label: str
    hosts: tuple[str, ...]
    path: re.Pattern[str]
    #: The beginning of such a URL, for people.
    example: str


def check(service: Service, target: str, options: dict[str, Any]) -> Checked:
    """The URL as it is kept; raises ``ActionError`` with the problems of ``target``.

    A host that is not the chat's own is taken as well: there are gateways that speak a chat's language.
    """
    url = target.strip()
    if options:
        raise ActionError({"options": [f"{service.label} has no options."]})
    problem = None if url else f"Paste the webhook's URL from {service.label}."
    problem = problem or outbound.shared().check(url)
    if problem:
        raise ActionError({"target": [problem]})
    parts = outbound_urls.read(url)
    ours = any(parts.host == host or parts.host.endswith(f".{host}") for host in service.hosts)
    if ours and not service.path.match(parts.path):
        raise ActionError({"target": [f"This is no webhook of {service.label}; one begins with {service.example}."]})
    return Checked(f"{parts.scheme}://{parts.authority}/…", {}, url)


def post(channel: OpenChannel, message: dict[str, Any]) -> Outcome:
    """Post a message as JSON to the channel's secret URL. 404 says that its webhook was deleted: it wants no more."""
    if not channel.secret:
        return Outcome(problem="The channel's URL is missing; type it once more.", final=True)
    _, found = post_to(channel.secret, message, (channel.secret, outbound_urls.read(channel.secret).path))
    return dataclasses.replace(found, gone=found.gone or found.status == 404)


def post_to(url: str, message: dict[str, Any], secrets: tuple[str, ...]) -> tuple[bytes, Outcome]:
    """Post a message; returns the answer's body, and the outcome, in which nothing of ``secrets`` is found."""
    body = msgspec.json.encode(message)
    try:
        answer = outbound.shared().send("POST", url, headers={"Content-Type": "application/json"}, body=body)
    except outbound.OutboundError as error:
        return b"", Outcome(problem=str(error))
    return answer.body_cut, receivers.outcome(answer, secrets)
