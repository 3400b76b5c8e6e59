"""What became of a token, and what everything that checks one has in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

#: Longest token that is looked at, in characters. Turnstile's have 2,048 at most, reCAPTCHA's and hCaptcha's grow to
#: a few thousand; ours of ALTCHA have about 800.
TOKEN_LIMIT = 16_384

#: missing: no token was sent · failed: it is none of the provider's, or nobody solved it · low_score: below the wanted
#: score · wrong_host, wrong_action: made on another website, or for another purpose · expired: too old (where the
#: provider does not tell, also used before) · used: used before · unavailable: nobody can tell at the moment, because
#: the provider did not answer or does not accept the settings.
Reason = Literal["", "missing", "failed", "low_score", "wrong_host", "wrong_action", "expired", "used", "unavailable"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one token. ``reason`` is empty when it is ok."""

    ok: bool
    reason: Reason = ""
    #: 0 (a robot) to 1 (a person), from providers that say so.
    score: float | None = None
    #: The host that the token was made on, from providers that say so.
    hostname: str = ""


PASSED = Verdict(ok=True)


def refused(reason: Reason, score: float | None = None, hostname: str = "") -> Verdict:
    """A verdict that says no."""
    return Verdict(ok=False, reason=reason, score=score, hostname=hostname)


class Verifier(Protocol):
    """Checks tokens. Never raises because of a token or a provider: trouble is a verdict, ``unavailable``.

    Providers accept each token once. ALTCHA's verifier has no memory: whoever calls it remembers the ``token_hash`` of
    what has passed, for as long as a challenge lives.
    """

    async def verify_async(self, token: str, *, address: str | None = None) -> Verdict:
        """The verdict on a token; ``address`` is the visitor's, for providers that weigh it."""
        ...

    def verify(self, token: str, *, address: str | None = None) -> Verdict:
        """The same, for callers without an event loop."""
        ...
