"""Try it: a real call of an endpoint's public URL, made by the console, and everything that was said.

It goes the way of every call: name service, TLS, proxy, lane, and the endpoint's rules decide. So where only the
website's server may call, the console is refused, as it should be; then it may call once more with a token of the
installation (stagewise/options/canary.py), which stands for an allowed address. Either way it is a test lead.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.utils.translation import gettext as _

from stagewise.core.json_body import BODY_BYTES
from stagewise.endpoints import queries, recent
from stagewise.notify import own_url
from stagewise.notify.outbound import OutboundError
from stagewise.options import canary, testing

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen

#: What stands in the box at first.
BODY: Final = """\
{
  "name": "Ada Lovelace",
  "phone": "+44 20 7946 0958",
  "email": "ada@example.com",
  "message": "This is a test from the console."
}"""
#: Stands in what is shown in place of the token.
_HIDDEN: Final = "(a token that holds for a minute)"
#: A refusal is answered before its row is in the journal: so many seconds, in such steps, it is waited for.
PATIENCE_S, _STEP_S = 2.0, 0.1


@dataclass(frozen=True)
class Call:
    """What to send. ``as_allowed``: with the token that stands for an allowed address."""

    body: str = BODY
    origin: str = ""
    as_allowed: bool = False


@dataclass(frozen=True)
class Said:
    """The answer as it came."""

    status: int
    phrase: str
    headers: list[tuple[str, str]]
    body: str
    took_ms: int


@dataclass(frozen=True)
class Tried:
    """What was sent, and what came of it: an answer or, where none came, a problem in one sentence."""

    url: str
    sent: list[tuple[str, str]]
    body: str
    as_allowed: bool
    answer: Said | None = None
    problem: str = ""
    #: Its row in the journal, once it is there.
    seen: Seen | None = None

    @property
    def good(self) -> bool:
        """Whether a test lead was stored, or taken and held."""
        return self.answer is not None and self.answer.status in {201, 202}

    @property
    def refused_as_caller(self) -> bool:
        """Whether it was refused for where it came from, not for what it said."""
        return self.answer is not None and self.answer.status == HTTPStatus.FORBIDDEN and not self.as_allowed


def try_it(endpoint: Endpoint, call: Call) -> Tried:
    """Make the call. Never raises: what went wrong stands in the result. No transaction may be open."""
    key = queries.key_of(endpoint)
    url = queries.url_of(endpoint)
    headers = {"Content-Type": "application/json", "User-Agent": "Stagewise (Try it)"}
    if call.origin:
        headers["Origin"] = call.origin
    shown = dict(headers)
    if call.as_allowed:
        headers[canary.HEADER] = canary.Canaries(settings.SECRET_KEY).token(key)
        shown[canary.HEADER] = _HIDDEN
    else:
        headers[testing.HEADER] = shown[testing.HEADER] = testing.ORDINARY
    made = Tried(url, list(shown.items()), call.body, call.as_allowed)
    problem = _problem(call)
    if problem:
        return _with(made, problem=problem)
    try:
        answer = own_url.post(url, headers, call.body.encode())
    except OutboundError as error:
        return _with(made, problem=str(error))
    said = Said(
        answer.status,
        responses.get(answer.status, ""),
        list(answer.headers.items()),
        answer.body_cut.decode("utf-8", "replace"),
        answer.took_ms,
    )
    return _with(made, answer=said, seen=_wait_for(endpoint, answer.headers.get("x-request-id", "")))


def _problem(call: Call) -> str:
    if not (call.origin.isascii() and call.origin.isprintable()):
        return _("Browsers send an origin in ASCII, such as https://xn--mller-kva.example.")
    if len(call.body.encode("utf-8", "replace")) > BODY_BYTES:
        return _("The body has more than 65,536 bytes; nothing was sent.")
    return ""


def _with(made: Tried, answer: Said | None = None, problem: str = "", seen: Seen | None = None) -> Tried:
    return Tried(made.url, made.sent, made.body, made.as_allowed, answer, problem, seen)


def _wait_for(endpoint: Endpoint, request_id: str) -> Seen | None:
    """The call's row; None if it does not come in time, or the answer was not the lane's."""
    end = time.monotonic() + PATIENCE_S
    while request_id:
        found = recent.by_request(endpoint, request_id)
        if found is not None or time.monotonic() > end:
            return found
        time.sleep(_STEP_S)
    return None
