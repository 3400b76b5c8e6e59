"""Requests and answers as bytes, without a network: what is sent, and what an answer means.

The contract is docs/api.md of the project; problem documents are those of RFC 9457.
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from stagewise_client import __version__
from stagewise_client.errors import BY_CODE, ConfigError, FieldError, Problem, Refused, UnexpectedAnswer
from stagewise_client.results import Created, Held, Limit

#: Optional fields about where a lead came from; what else is given as attribution is left out.
ATTRIBUTION: Final = (
    "page_url", "referrer",
    "utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content",
    "gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid",
)  # fmt: skip

#: More than this is no answer of Stagewise, in bytes.
ANSWER_LIMIT: Final = 1_048_576

#: RFC 9110, section 8.6; codings are refused, so that an answer cannot grow when it is unpacked.
_HEADERS: Final = (
    ("Content-Type", "application/json"),
    ("Accept", "application/json, application/problem+json"),
    ("Accept-Encoding", "identity"),
    ("User-Agent", f"stagewise-client/{__version__}"),
)
_PATH = re.compile(r"(/[\w.~%-]+)*/public/v1/leads/[A-Za-z0-9_-]{16,}", re.ASCII)
_KEY = re.compile(r"[\x20-\x7e]{1,255}")
_TEST = re.compile(r"1|[a-z][a-z_]{0,63}")

Json: TypeAlias = str | int | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint's URL, checked. It is a secret of the server's: the representation shows the host only."""

    url: str = field(repr=False)
    host: str

    @classmethod
    def parse(cls, url: str) -> Endpoint:
        """Check the URL; raises ConfigError, which does not repeat it."""
        url = url.strip().rstrip("/")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:
            host = None
        if not host or parts.scheme not in {"http", "https"}:
            raise ConfigError("the endpoint's URL must begin with https:// and a host")
        if parts.username is not None or parts.query or parts.fragment or not _PATH.fullmatch(parts.path):
            raise ConfigError(
                "the endpoint's URL must end in /public/v1/leads/ and its key:"
                " copy it from the console, Integration → Stagewise API"
            )
        return cls(url, host)

    @property
    def fingerprint(self) -> str:
        """What tells endpoints apart, without being of use to anybody who reads it."""
        return hashlib.sha256(b"stagewise spool " + self.url.encode()).hexdigest()

    @property
    def is_readable_on_the_way(self) -> bool:
        """Whether leads travel as plain text over a network that is not this machine's own."""
        if self.url.startswith("https:") or self.host == "localhost":
            return False
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return "." in self.host  # a name without a dot is one of containers side by side
        return not (address.is_loopback or address.is_private)


@dataclass(frozen=True, slots=True)
class Call:
    """One lead on its way: all that its tries have in common."""

    key: str
    fields: Mapping[str, Json] = field(repr=False)
    visitor_ip: str | None = field(default=None, repr=False)
    test: str | None = None

    @property
    def body(self) -> bytes:
        """The document to send."""
        try:
            return json.dumps(self.fields, ensure_ascii=False, separators=(",", ":")).encode()
        except UnicodeEncodeError:  # half a surrogate pair; as an escape it is the server that refuses it
            return json.dumps(self.fields, separators=(",", ":")).encode()

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The headers to send, without those of the connection."""
        found = [*_HEADERS, ("Idempotency-Key", self.key)]
        if self.visitor_ip is not None:
            found.append(("Stagewise-Visitor-IP", self.visitor_ip))
        if self.test is not None:
            found.append(("Stagewise-Test", self.test))
        return found


def idempotency_key(given: str | None) -> str:
    """The given key, checked, or a new one."""
    if given is None:
        return str(uuid.uuid4())
    if not _KEY.fullmatch(given) or not given.strip():
        raise ConfigError("an idempotency_key is 1 to 255 printable ASCII characters")
    return given


def address(given: str | None) -> str | None:
    """A visitor's address in the form in which it is sent."""
    if given is None:
        return None
    try:
        return str(ipaddress.ip_address(given.strip().removeprefix("[").removesuffix("]")))
    except ValueError:
        raise ConfigError("visitor_ip must be one IPv4 or IPv6 address, without a port") from None


def header_of_test(given: bool | str | None) -> str | None:
    """The value of ``Stagewise-Test``; None when it is not sent."""
    if given is None or given is False:
        return None
    value = "1" if given is True else given
    if not _TEST.fullmatch(value):
        raise ConfigError("test is True, or the answer to force: created, held, duplicate or a problem code")
    return value


def fields_of(
    lead: Mapping[str, str | None],
    attribution: Mapping[str, str] | None,
    captcha_token: str | None,
    gotcha: str | None,
    elapsed_ms: int | None,
) -> dict[str, Json]:
    """The document's fields; what is None is left out."""
    found: dict[str, Json] = {name: value for name, value in lead.items() if value is not None}
    if attribution:
        found |= {name: attribution[name] for name in ATTRIBUTION if attribution.get(name)}
    extras = {"captcha_token": captcha_token, "_gotcha": gotcha, "_elapsed_ms": elapsed_ms}
    return found | {name: value for name, value in extras.items() if value is not None}


# Answers

Reading: TypeAlias = Created | Held | Refused | UnexpectedAnswer


def read_answer(status: int, headers: Mapping[str, str], body: bytes, now: datetime | None = None) -> Reading:
    """What an answer means. Errors are returned, not raised: the caller may want to try again.

    ``headers`` finds names in any case. ``now`` is for a Retry-After that is a date.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    retry_after = _seconds(headers.get("Retry-After"), now)
    if not isinstance(document, dict):
        return UnexpectedAnswer(status, _why(status), retry_after)
    try:
        if status == 201:
            return _created(document, headers)
        if status == 202 and document["held"] is True:
            return Held(id=_text(document["id"]), **_common(document, headers))
        if status >= 400:
            problem = _problem(status, document, headers, retry_after)
            return BY_CODE.get(problem.code, Refused)(problem)
    except (AttributeError, KeyError, TypeError, ValueError):
        pass  # it only looked like one of ours
    return UnexpectedAnswer(status, _why(status), retry_after)


def _why(status: int) -> str:
    if 300 <= status < 400:
        return "the address leads elsewhere; check the endpoint's URL, also http against https"
    if status < 300:
        return "the answer of something that is not Stagewise, or cut off"
    return "the answer of a proxy, a firewall or another server, not of Stagewise"


def _created(document: Mapping[str, Any], headers: Mapping[str, str]) -> Created:
    message, e164 = document.get("message"), document.get("phone_e164")
    return Created(
        id=_text(document["id"]),
        name=_text(document["name"]),
        phone=_text(document["phone"]),
        phone_e164=None if e164 is None else _text(e164),
        email=_text(document["email"]),
        message=None if message is None else _text(message),
        lead_type=_text(document["lead_type"]["name"]),
        test=document.get("test") is True,
        created_at=datetime.fromisoformat(_text(document["created_at"])),
        duplicate=document.get("duplicate") is True,
        **_common(document, headers),
    )


def _common(document: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "replayed": headers.get("Idempotency-Replayed") == "true",
        "request_id": headers.get("X-Request-Id") or str(document.get("request_id") or ""),
        "limit": limit_of(headers),
    }


def _problem(status: int, document: Mapping[str, Any], headers: Mapping[str, str], retry_after: int | None) -> Problem:
    errors = document.get("errors") or ()
    return Problem(
        code=_text(document["code"]),
        status=status,
        title=str(document.get("title", "")),
        detail=str(document.get("detail", "")),
        request_id=str(document.get("request_id") or headers.get("X-Request-Id") or ""),
        field_errors=tuple(
            FieldError(*(str(each.get(name, "")) for name in ("field", "pointer", "code", "detail"))) for each in errors
        ),
        retry_after=retry_after,
        limit=limit_of(headers),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


_POLICY = re.compile(r'\s*"([\w-]+)"\s*;\s*q=(\d{1,9})\s*(?:;\s*w=(\d{1,9}))?', re.ASCII)
_STANDING = re.compile(r'\s*"([\w-]+)"\s*;\s*r=(\d{1,9})\s*(?:;\s*t=(\d{1,9}))?', re.ASCII)


def limit_of(headers: Mapping[str, str]) -> Limit | None:
    """The figures of ``RateLimit-Policy`` and ``RateLimit``; None where there is no limit."""
    policy = _POLICY.match(headers.get("RateLimit-Policy") or "")
    standing = _STANDING.match(headers.get("RateLimit") or "")
    if policy is None or standing is None or policy[1] != standing[1]:
        return None
    reset = None if standing[3] is None else int(standing[3])
    return Limit(policy[1], int(policy[2]), int(standing[2]), reset, int(policy[3] or 86_400))


def _seconds(value: str | None, now: datetime | None) -> int | None:
    """``Retry-After`` in seconds; it may also be a date (RFC 9110, section 10.2.3)."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit():
        return min(int(value[:10]), 10**9)
    if not value:
        return None
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    left = (date if date.tzinfo else date.replace(tzinfo=UTC)) - (now or datetime.now(UTC))
    return max(0, round(left.total_seconds()))
