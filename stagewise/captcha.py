"""Ask a CAPTCHA's provider about a token, for the ledger. How providers are asked is the client's (clients/python)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagewise_client.captcha import Verifier

from stagewise import log
from stagewise.core.submission import Submission
from stagewise.options.captcha import ToVerify, Verdict, altcha_key
from stagewise.options.rules import CaptchaRules

#: How long a provider has, in seconds.
PATIENCE_S = 3.0
#: Endpoints whose verifier is kept at hand.
_KEPT = 1_000

_log = log.Log("stagewise.captcha")


class Providers:
    """Verifiers by endpoint and rules. ``urls``: other addresses of a provider's service, by its name."""

    def __init__(self, secret_key: str, urls: Mapping[str, str]) -> None:
        self._secret_key = secret_key
        self._urls = urls
        self._verifiers: dict[tuple[int, CaptchaRules], Verifier] = {}

    async def __call__(self, wanted: ToVerify, submission: Submission) -> Verdict:
        """The verdict on a token; a provider that cannot be asked is down. Never raises."""
        try:
            address = submission.visitor or submission.caller.address
            said = await self._verifier(wanted).verify_async(wanted.token, address=address)
        except Exception as error:  # noqa: BLE001 - the caller's answer must not depend on what went wrong here
            _log.error("the CAPTCHA cannot be checked", endpoint=wanted.endpoint_id, error=str(error),
                       exc_info=error)  # fmt: skip
            return Verdict(wanted.rules, "down")
        if said.ok:
            return Verdict(wanted.rules, "passed")
        _log.info("a CAPTCHA was not passed", endpoint=wanted.endpoint_id, reason=said.reason,
                  request_id=submission.request_id)  # fmt: skip
        return Verdict(wanted.rules, "down" if said.reason == "unavailable" else "failed")

    def _verifier(self, wanted: ToVerify) -> Verifier:
        place = (wanted.endpoint_id, wanted.rules)
        from stagewise_client import captcha  # the lane boots without it

        found = self._verifiers.get(place)
        if found is None:
            if len(self._verifiers) >= _KEPT:
                self._verifiers.clear()
            rules = wanted.rules
            own_key = rules.provider == "altcha"
            found = self._verifiers[place] = captcha.provider(
                rules.provider,
                secret=altcha_key(self._secret_key, wanted.endpoint_id) if own_key else rules.secret,
                hostnames=rules.hostnames,
                min_score=rules.min_score,
                action=rules.action,
                timeout=PATIENCE_S,
                url=self._urls.get(rules.provider),
            )
        return found
