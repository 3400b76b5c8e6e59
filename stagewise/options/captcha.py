"""What is known of a submission's CAPTCHA when it is decided."""

from __future__ import annotations

import hashlib
import hmac
from typing import Literal

import msgspec

from stagewise.options.rules import CaptchaRules

#: A token that has passed is remembered with its submission for this long, so that a retry passes too.
REMEMBERED_MS = 600_000
#: How long an ALTCHA challenge can be solved, in seconds. Its solution is remembered longer than that.
CHALLENGE_S = 1_200


class Verdict(msgspec.Struct, frozen=True):
    """What the provider said. It holds for the rules that it was asked under and for nothing else."""

    rules: CaptchaRules
    outcome: Literal["passed", "failed", "down"]


class ToVerify(msgspec.Struct, frozen=True):
    """What must be asked of a provider before the submission can be decided."""

    endpoint_id: int
    rules: CaptchaRules
    token: str
    token_hash: str
    #: SHA-256 of the normalised fields, hexadecimal.
    fingerprint: str


def altcha_key(secret_key: str, endpoint_id: int) -> str:
    """The key that signs an endpoint's ALTCHA challenges; it follows from the installation's, so nobody need set it."""
    return hmac.new(secret_key.encode(), f"altcha {endpoint_id}".encode(), hashlib.sha256).hexdigest()
