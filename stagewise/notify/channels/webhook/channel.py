"""A webhook: the event as JSON, signed, to a URL of the owner's."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from stagewise.accounts.errors import ActionError
from stagewise.notify import outbound, receivers
from stagewise.notify.channels import Checked, Outcome
from stagewise.notify.channels.webhook import signing

if TYPE_CHECKING:
    from stagewise.notify.channels import OpenChannel
    from stagewise.notify.models import Delivery


class Webhook:
    """Sends events to a URL, in the way of Standard Webhooks."""

    name = "webhook"
    label = "Webhook"
    needs_secret = True

    def check(self, target: str, options: dict[str, Any]) -> Checked:
        """The URL as it is kept, and a new secret; raises ``ActionError`` with the problems of ``target``."""
        url = target.strip()
        if not url:
            raise ActionError({"target": ["Type the URL that events are sent to."]})
        if problem := outbound.shared().check(url):
            raise ActionError({"target": [problem]})
        if options:
            raise ActionError({"options": ["A webhook has no options."]})
        return Checked(url, {}, signing.new_secret())

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any]) -> Outcome:  # noqa: ARG002
        """Post the event. Its id is the same on every try; the timestamp is that of the try."""
        secrets = [secret for secret in (channel.secret, channel.old_secret) if secret]
        body = msgspec.json.encode(payload)
        headers = signing.headers(str(payload["id"]), int(time.time()), body, secrets)
        try:
            answer = outbound.shared().send(
                "POST", channel.target, headers={"Content-Type": "application/json", **headers}, body=body
            )
        except outbound.OutboundError as error:
            return Outcome(problem=str(error))
        return receivers.outcome(answer, secrets)
