"""What a receiver's answer means: the rules that webhooks and chats share."""

from __future__ import annotations

import datetime
import email.utils
import re
from typing import TYPE_CHECKING

from stagewise.notify.channels import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.notify.outbound import Answer

#: So much of an answer is looked at.
_ANSWER_CHARS = 1_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: Statuses at which a receiver may say when to come again (RFC 9110, section 10.2.3).
_LATER = frozenset({429, 503})

_MEANINGS = {
    400: "it could not make sense of the message",
    401: "it does not know us",
    403: "it does not let us in",
    404: "there is nothing at this URL",
    405: "it takes no POST at this URL",
    410: "it wants no more",
    413: "the message was too long for it",
    429: "it wants fewer calls",
}


def outcome(answer: Answer, secrets: Sequence[str] = ()) -> Outcome:
    """What came of a call: 2xx is delivered, 410 is the end, everything else is tried again.

    ``secrets`` are blacked out where the receiver repeats them, so that they are not kept among the tries.
    """
    status = answer.status
    return Outcome(
        status=status,
        problem="" if 200 <= status < 300 else _problem(status),
        answer=excerpt(answer, secrets),
        retry_after_s=retry_after(answer.headers.get("retry-after", "")) if status in _LATER else None,
        gone=status == 410,
    )


def excerpt(answer: Answer, secrets: Sequence[str] = ()) -> str:
    """The beginning of what the receiver said, as text."""
    text = answer.body_cut.decode("utf-8", "replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "•••")
    return _CONTROLS.sub("", text)[:_ANSWER_CHARS]


def retry_after(value: str) -> int | None:
    """Seconds from a header ``Retry-After``: a number, or a date; None where it is neither."""
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:9]), 10**9)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=datetime.UTC)
    return max(0, round((at - datetime.datetime.now(datetime.UTC)).total_seconds()))


def _problem(status: int) -> str:
    if 300 <= status < 400:
        return f"The receiver answered {status}: redirects are not followed. Save the URL that it leads to."
    meaning = _MEANINGS.get(status)
    return f"The receiver answered {status}: {meaning}." if meaning else f"The receiver answered {status}."
