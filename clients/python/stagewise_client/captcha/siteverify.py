"""reCAPTCHA, hCaptcha and Turnstile: one form post, one JSON answer, three sets of words.

- https://developers.google.com/recaptcha/docs/verify and …/docs/v3
- https://docs.hcaptcha.com/#verify-the-user-response-server-side
- https://developers.cloudflare.com/turnstile/get-started/server-side-validation/
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from stagewise_client.captcha.verdict import PASSED, TOKEN_LIMIT, Reason, Verdict, refused

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

#: More than this is no answer of a provider's, in bytes.
_ANSWER_LIMIT = 65_536
#: The same trouble is logged once in so many seconds: a flood of tokens must not become a flood of lines.
_LOG_EVERY = 60.0

#: Words of the providers about the token. Whatever they say about anything else (the secret key, the request, their
#: own health) tells nothing about the visitor and means "unavailable".
_ABOUT_THE_TOKEN: Mapping[str, Reason] = {
    "missing-input-response": "missing",
    "invalid-input-response": "failed",
    "timeout-or-duplicate": "expired",
    "expired-input-response": "expired",
    "already-seen-response": "used",
    "invalid-or-already-seen-response": "failed",
}
#: Words that only we can do something about.
_OUR_FAULT = {
    "missing-input-secret": "no secret key reached it",
    "invalid-input-secret": "it does not know the secret key",
    "sitekey-secret-mismatch": "site key and secret key do not belong together",
    "not-using-dummy-passcode": "the secret key is the one for tests, the token is not",
    "invalid-remoteip": "it does not accept the visitor's address",
    "missing-remoteip": "it wants the visitor's address",
    "bad-request": "it does not understand the request",
}


@dataclass(frozen=True, slots=True)
class Service:
    """Where a provider's answers come from and what can be held against them."""

    name: str
    url: str
    #: The form field in which the provider's widget leaves its token.
    token_field: str
    has_action: bool = False
    #: Every good answer carries a score; without one, the keys are of another kind.
    wants_score: bool = False


SERVICES: Mapping[str, Service] = {
    service.name: service
    for service in (
        Service("recaptcha_v2", "https://www.google.com/recaptcha/api/siteverify", "g-recaptcha-response"),
        Service(
            "recaptcha_v3",
            "https://www.google.com/recaptcha/api/siteverify",
            "g-recaptcha-response",
            has_action=True,
            wants_score=True,
        ),
        Service("hcaptcha", "https://api.hcaptcha.com/siteverify", "h-captcha-response"),
        Service(
            "turnstile",
            "https://challenges.cloudflare.com/turnstile/v0/siteverify",
            "cf-turnstile-response",
            has_action=True,
        ),
    )
}


class SiteVerify:
    """Asks a provider about tokens. See ``stagewise_client.captcha.provider`` for the settings."""

    def __init__(
        self,
        service: Service,
        *,
        secret: str,
        hostnames: frozenset[str],
        min_score: float,
        action: str,
        timeout: float,
        url: str,
    ) -> None:
        self._service, self._secret, self._url, self._timeout = service, secret, url, timeout
        self._hostnames, self._min_score, self._action = hostnames, min_score, action
        self._logged: dict[str, float] = {}
        self._logging = threading.Lock()

    async def verify_async(self, token: str, *, address: str | None = None) -> Verdict:
        """The provider's verdict, within the timeout. Asks once: providers accept a token only once."""
        token = token.strip()
        if not token:
            return refused("missing")
        if len(token) > TOKEN_LIMIT:
            return refused("failed")
        fields = {"secret": self._secret, "response": token}
        if address:
            fields["remoteip"] = address
        import httpx2

        try:
            async with asyncio.timeout(self._timeout):
                answer = await _ask(self._url, fields, self._timeout)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as trouble:
            self._note(logging.WARNING, f"did not answer ({type(trouble).__name__})")
            return refused("unavailable")
        return self._judged(answer)

    def verify(self, token: str, *, address: str | None = None) -> Verdict:
        """The same, from code without an event loop; with one in this thread, another thread asks."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run(self.verify_async(token, address=address))
        with ThreadPoolExecutor(1) as other:
            return other.submit(asyncio.run, self.verify_async(token, address=address)).result()

    def _judged(self, answer: Mapping[str, Any]) -> Verdict:
        sent = answer.get("hostname")
        hostname = sent if isinstance(sent, str) else ""
        # hCaptcha's counts the other way round, and is a matter of the rules that their customers make there.
        score = None if self._service.name == "hcaptcha" else _score(answer.get("score"))
        if answer.get("success") is not True:
            return refused(self._why_not(answer.get("error-codes")), score, hostname)
        if self._service.wants_score and score is None:
            self._note(logging.ERROR, "sent no score: the keys are not those of reCAPTCHA v3")
            return refused("unavailable", score, hostname)
        if self._hostnames and hostname.lower() not in self._hostnames:
            return refused("wrong_host", score, hostname)
        if self._action and self._service.has_action and answer.get("action") != self._action:
            return refused("wrong_action", score, hostname)
        if score is not None and score < self._min_score:
            return refused("low_score", score, hostname)
        return PASSED if score is None and not hostname else Verdict(ok=True, score=score, hostname=hostname)

    def _why_not(self, sent: object) -> Reason:
        codes = [code for code in sent if isinstance(code, str)] if isinstance(sent, list) else []
        # What is wrong on our side comes first: with a wrong secret, nothing else in the answer means anything.
        if ours := [code for code in codes if code in _OUR_FAULT]:
            self._note(logging.ERROR, f"refuses our settings: {_OUR_FAULT[ours[0]]} ({ours[0]})")
            return "unavailable"
        if known := [_ABOUT_THE_TOKEN[code] for code in codes if code in _ABOUT_THE_TOKEN]:
            return known[0]
        if codes:
            self._note(logging.WARNING, f"answered {', '.join(codes)[:200]!r}")
            return "unavailable"
        return "failed"

    def _note(self, level: int, what: str) -> None:
        now = time.monotonic()
        with self._logging:
            if now - self._logged.get(what, -_LOG_EVERY) < _LOG_EVERY:
                return
            self._logged = {known: at for known, at in self._logged.items() if now - at < _LOG_EVERY} | {what: now}
        log.log(level, "CAPTCHA tokens cannot be checked: %s %s", self._service.name, what)


def _score(sent: object) -> float | None:
    number = isinstance(sent, int | float) and not isinstance(sent, bool)
    return float(sent) if number and 0 <= sent <= 1 else None  # type: ignore[operator, arg-type]


async def _ask(url: str, fields: Mapping[str, str], timeout: float) -> Mapping[str, Any]:  # noqa: ASYNC109
    """The answer's JSON object, whatever the status: Turnstile, for one, says what is wrong with a 400.

    Raises ValueError when it is no such object, and what the HTTP library raises.
    """
    import httpx2

    # A client for each question: contact forms are rare, and nothing is left open between event loops.
    async with (
        httpx2.AsyncClient(verify=_trusted(), timeout=timeout, trust_env=False) as client,
        client.stream("POST", url, data=dict(fields)) as answer,
    ):
        body = b""
        async for piece in answer.aiter_bytes():
            body += piece
            if len(body) > _ANSWER_LIMIT:
                raise ValueError("the answer is too long")
    try:
        found = json.loads(body)
    except RecursionError:
        raise ValueError("the answer is no JSON that anybody would send") from None
    if isinstance(found, dict) and isinstance(found.get("success"), bool):
        return found
    raise ValueError("the answer is none of a siteverify service")


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities we trust, read once: 80 ms."""
    import httpx2

    return httpx2.create_ssl_context()
