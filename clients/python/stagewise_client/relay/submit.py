"""One submission, from the form's fields to Stagewise: every check in its order, and what came of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stagewise_client import captcha
from stagewise_client.captcha import Verifier
from stagewise_client.client import Client
from stagewise_client.errors import Refused, StagewiseError
from stagewise_client.relay import bodies, fields
from stagewise_client.relay.answers import Refusal, RelayRequest, refusal
from stagewise_client.relay.config import RelayConfig
from stagewise_client.relay.memory import Memory
from stagewise_client.results import Created, Held, Result, Spooled
from stagewise_client.wire import ATTRIBUTION

#: How long the visitor has from asking for an ALTCHA challenge to sending the form, in seconds.
CHALLENGE_S = 1_200
#: Refusals that are the visitor's to mend. All others are about our settings, and the visitor can do nothing.
_VISITORS = {"missing_fields", "invalid_fields", "unknown_lead_type"}


@dataclass
class Story:
    """What the log tells about a submission; never a field's value."""

    level: int = logging.INFO
    details: dict[str, object] = field(default_factory=dict)

    def add(self, **details: object) -> None:
        """Tell more."""
        self.details |= details

    def blame_us(self, why: str) -> None:
        """Something is wrong on our side, and somebody should look at it."""
        self.level = logging.ERROR
        self.details["why"] = why


@dataclass(frozen=True)
class Submission:
    """What a visitor has sent, after its fields have been checked."""

    #: The Idempotency-Key of all its tries.
    id: str
    lead: Mapping[str, str]
    token: str
    gotcha: str
    elapsed_ms: int | None
    attribution: Mapping[str, str]
    #: A test lead (``Stagewise-Test: 1``): marked as such by Stagewise, and counted here like any other.
    test: bool


class Desk:
    """Takes submissions. One for each process; all methods may be called from any thread."""

    def __init__(self, config: RelayConfig, key: str, memory: Memory, verifier: Verifier | None) -> None:
        self._config, self._key, self._memory, self._verifier = config, key.encode(), memory, verifier

    def take(
        self, request: RelayRequest, sent: Mapping[str, Any], visitor: tuple[str, str], client: Client, story: Story
    ) -> Result | Refusal:
        """Check what was sent and pass it on. ``visitor`` is the address, and what the limit counts by.

        Raises sqlite3.Error when the relay's own files cannot be used.
        """
        if wrong := fields.check(sent):
            story.add(fields=wrong)
            return refusal("missing_fields" if fields.is_missing(wrong) else "invalid_fields", wrong)
        made = self._read(request, sent)
        if (why := self._suspicious(made)) and self._config.suspicious == "refuse":
            story.add(why=why)
            return refusal("suspicious")
        if (no := self._check_token(made, visitor[0], story)) is not None:
            return no
        limit = self._config.limit
        if limit is not None and (wait := self._memory.take_slot(visitor[1], made.id, limit)):
            self._memory.release_token(captcha.token_hash(made.token), made.id)
            return refusal("rate_limited", retry_after=wait)
        result = self._send(made, visitor[0], client, story)
        if isinstance(result, Refusal):
            self._memory.free_slot(made.id)
            self._memory.release_token(captcha.token_hash(made.token), made.id)
        return result

    def _read(self, request: RelayRequest, sent: Mapping[str, Any]) -> Submission:
        lead = fields.cleaned(sent)
        token = bodies.text(sent, "captcha_token").strip()
        if not token and self._config.captcha != "none":
            token = bodies.text(sent, captcha.TOKEN_FIELDS[self._config.captcha]).strip()
        # What makes two requests one submission: the script's key, else the token, and the same fields.
        mark = request.header("idempotency-key") or (captcha.token_hash(token) if token else secrets.token_hex(16))
        test = request.header("stagewise-test") == "1"
        content = json.dumps([mark, lead, test], sort_keys=True).encode()
        attribution = {name: value for name in ATTRIBUTION if (value := bodies.text(sent, name).strip())}
        if "page_url" not in attribution and (page := request.header("referer")):
            attribution["page_url"] = page
        return Submission(
            id=hmac.new(self._key, content, hashlib.sha256).hexdigest(),
            lead=lead,
            token=token,
            gotcha=bodies.text(sent, "_gotcha").strip(),
            elapsed_ms=_whole(sent.get("_elapsed_ms")),
            attribution=attribution,
            test=test,
        )

    def _suspicious(self, made: Submission) -> str:
        if made.gotcha:
            return "honeypot"
        quick = made.elapsed_ms is not None and made.elapsed_ms < self._config.min_seconds * 1000
        return "too_fast" if quick else ""

    def _check_token(self, made: Submission, address: str, story: Story) -> Refusal | None:
        """None: the token is good, and this submission's alone from now on."""
        if self._verifier is None:
            return None
        hashed = captcha.token_hash(made.token)
        if not (made.token and self._memory.passed(hashed)):
            verdict = self._verifier.verify(made.token, address=address)
            if verdict.reason == "unavailable":
                admitted = self._config.captcha_if_down == "admit"
                story.level = logging.WARNING
                story.add(captcha="unavailable")
                return None if admitted else refusal("captcha_unavailable")
            if not verdict.ok:
                story.add(captcha=verdict.reason, score=verdict.score, hostname=verdict.hostname)
                return refusal("captcha_failed", {"captcha_token": "captcha_failed"})
        if not self._memory.use_token(hashed, made.id, CHALLENGE_S + 60):
            story.add(captcha="used")
            return refusal("captcha_failed", {"captcha_token": "captcha_failed"})
        return None

    def _send(self, made: Submission, address: str, client: Client, story: Story) -> Result | Refusal:
        marked = self._config.suspicious == "send"
        try:
            result = client.create_lead(
                made.lead["name"],
                made.lead["phone"],
                made.lead["email"],
                made.lead.get("message"),
                made.lead.get("lead_type_name"),
                attribution=made.attribution,
                gotcha=made.gotcha if marked and made.gotcha else None,
                elapsed_ms=made.elapsed_ms,
                idempotency_key=made.id,
                visitor_ip=address if self._config.send_visitor_ip else None,
                test=made.test or None,
            )
        except Refused as error:
            return self._refused(error, story)
        except StagewiseError as error:
            story.blame_us(str(error))
            return refusal("unavailable")
        _tell(result, story)
        return result

    def _refused(self, error: Refused, story: Story) -> Refusal:
        story.add(stagewise=error.code, stagewise_request_id=error.request_id)
        if error.code == "rate_limited":
            policy = error.limit.policy if error.limit else ""
            if policy == "leads-per-server" or not self._config.send_visitor_ip:
                story.blame_us("all leads of this relay together have reached the endpoint's limit")
                return refusal("unavailable")
            story.level = logging.WARNING
            return refusal("rate_limited", retry_after=error.retry_after)
        wrong = {each.field: each.code for each in error.field_errors if each.field in fields.NAMES}
        if error.code in _VISITORS and wrong:
            story.add(fields=wrong)
            return refusal("missing_fields" if fields.is_missing(wrong) else "invalid_fields", wrong)
        story.blame_us(f"Stagewise refuses this relay: {error.detail}")
        return refusal("unavailable")


def _tell(result: Result, story: Story) -> None:
    match result:
        case Created():
            outcome = "replayed" if result.replayed else "duplicate" if result.duplicate else "created"
            story.add(outcome=outcome, test=result.test or None, lead=result.id, stagewise_request_id=result.request_id)
        case Held():
            story.add(outcome="held", lead=result.id, stagewise_request_id=result.request_id)
        case Spooled():
            story.level = logging.WARNING
            story.add(outcome="kept", why=result.reason)


def _whole(value: object) -> int | None:
    """A number of milliseconds as forms send it: a number, or its digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 12:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 10**12:
        return None
    return int(value)
