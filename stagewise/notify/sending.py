"""One try: a channel with its secrets opened, an event in words, and what came of it. No transaction is open here."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from stagewise import log
from stagewise.notify import channels, sealed
from stagewise.notify.channels import OpenChannel, Outcome

if TYPE_CHECKING:
    from stagewise.notify.models import Channel, Delivery

_log = log.Log("stagewise.notify")


def opened(channel: Channel, now: int) -> OpenChannel:
    """The channel as its kind sees it; the secret that was rotated away only while it still counts."""
    still = channel.old_secret and channel.old_secret_until is not None and channel.old_secret_until > now
    return OpenChannel(
        id=channel.pk,
        name=channel.name,
        target=channel.target,
        options=channel.options,
        secret=sealed.open_sealed(channel.secret) if channel.secret else None,
        old_secret=sealed.open_sealed(channel.old_secret) if still else None,
    )


def send(kind: str, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:
    """Try once. A mistake of ours is a failed try like any other, and a line in the log."""
    try:
        return channels.kind(kind).deliver(channel, delivery, payload)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the deliveries of others
        return failed(error, delivery, "be sent")


def failed(error: Exception, delivery: Delivery, what: str) -> Outcome:
    """The outcome of a try that ended in a mistake of ours. The error's text may hold a secret, so it is not told."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    where = f"{last[0].filename}:{last[0].lineno}" if last else ""
    _log.error("delivery failed by a mistake of ours", id=str(delivery.public_id), error=repr(type(error)), where=where)
    return Outcome(problem=f"A mistake of ours ({type(error).__name__}): this could not {what}. The log says where.")
