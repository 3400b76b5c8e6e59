"""Everything that can go wrong, as exceptions.

    StagewiseError
    ├── ConfigError          a setting or an argument that can never work
    ├── ConnectionFailed     no answer at all, after all tries
    ├── UnexpectedAnswer     an answer that Stagewise does not give: a proxy's error page, a wrong address
    ├── SpoolFailed          the spool's file cannot be used: disk full, too many leads, damaged
    └── Refused              Stagewise said no; one subclass for each problem code
        ├── MissingFields, InvalidFields, UnknownLeadType, CaptchaFailed …
        ├── RateLimited
        └── Unavailable, OutcomeUnknown …

No message of theirs holds the endpoint's URL, and none repeats what the visitor typed, so all of them may be logged.
``Refused.detail`` and the details of ``Refused.field_errors`` are written for people and may be shown to the visitor of
a form, with one exception: ``IpNotAllowed.detail`` names the address of the machine that called.

>>> from stagewise_client.errors import BY_CODE, RateLimited, Refused
>>> BY_CODE["rate_limited"] is RateLimited
True
>>> issubclass(RateLimited, Refused)
True

The codes, and what to do about each of them: docs/errors of the project, and ``/docs/errors/<code>`` of every
installation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from stagewise_client.results import Limit


class StagewiseError(Exception):
    """Whatever this package raises on purpose."""

    @property
    def temporary(self) -> bool:
        """Whether the same lead, sent again later with the same Idempotency-Key, may well be taken."""
        return False

    @property
    def may_be_stored(self) -> bool:
        """Whether the lead may have been stored all the same; the same Idempotency-Key finds out."""
        return self.earlier_try

    #: Whether an earlier try of the same call may have stored the lead.
    earlier_try: bool = False


class ConfigError(StagewiseError, ValueError):
    """A setting or an argument that can never work. The message is one line, for the developer."""


class ConnectionFailed(StagewiseError):
    """No answer came. The original error is ``__cause__``.

    ``sent``: whether at least one try got as far as sending something. If none did, nothing can have been stored.
    """

    def __init__(self, reason: str, sent: bool = False) -> None:
        super().__init__(reason, sent)
        self.reason, self.sent = reason, sent

    def __str__(self) -> str:
        return self.reason

    @property
    def temporary(self) -> bool:
        return True

    @property
    def may_be_stored(self) -> bool:
        return self.sent or self.earlier_try


class UnexpectedAnswer(StagewiseError):
    """Something answered, but not as Stagewise does: a proxy, a firewall, another website, a redirect.

    ``status`` is the HTTP status, ``retry_after`` the seconds of its Retry-After header, if there was one.
    """

    def __init__(self, status: int, reason: str, retry_after: int | None = None) -> None:
        super().__init__(status, reason, retry_after)
        self.status, self.reason, self.retry_after = status, reason, retry_after

    def __str__(self) -> str:
        return f"unexpected answer ({self.status}): {self.reason}"

    @property
    def temporary(self) -> bool:
        return self.status in _TEMPORARY_STATUS or self.status in {201, 202} or self.status >= 500

    @property
    def may_be_stored(self) -> bool:
        # A 201 or 202 that cannot be read, or a proxy that lost its backend while this was working.
        return self.status in {201, 202} or self.status >= 500 or self.earlier_try


class SpoolFailed(StagewiseError):
    """The spool's file cannot be used. ``create_lead`` never raises this: it logs it, and sends without a spool."""


#: Of answers that are not Stagewise's own (RFC 9110, section 15; RFC 6585, section 4).
_TEMPORARY_STATUS = {408, 425, 429}


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field that cannot be accepted."""

    #: Its name in JSON, such as ``email``; empty when the document as a whole is meant.
    field: str
    #: A JSON Pointer (RFC 6901), such as ``/email``.
    pointer: str
    #: ``required``, ``type``, ``blank``, ``too_long``, ``invalid_email``, ``invalid_phone`` and so on.
    code: str
    #: For people.
    detail: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem document (RFC 9457), with what the answer's headers said beside it."""

    code: str
    status: int
    title: str = ""
    detail: str = ""
    request_id: str = ""
    field_errors: tuple[FieldError, ...] = ()
    #: Seconds.
    retry_after: int | None = None
    limit: Limit | None = None


class Refused(StagewiseError):
    """Stagewise said no. Caught as this class, it also covers codes that are newer than this package."""

    #: The problem code of a subclass.
    CODE: ClassVar[str] = ""
    _temporary: ClassVar[bool] = False
    _may_be_stored: ClassVar[bool] = False

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        named = "; ".join(f"{each.field or 'body'}: {each.detail}" for each in self.field_errors)
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code} ({self.status}): {self.detail}{' ' + named if named else ''}{request}"

    @property
    def code(self) -> str:
        """The problem code, such as ``rate_limited``."""
        return self.problem.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def title(self) -> str:
        """A few words, the same for every call with this code."""
        return self.problem.title

    @property
    def detail(self) -> str:
        """A sentence for people."""
        return self.problem.detail

    @property
    def request_id(self) -> str:
        """What the owner of the endpoint finds the call by, in Logs."""
        return self.problem.request_id

    @property
    def field_errors(self) -> tuple[FieldError, ...]:
        """All fields that cannot be accepted; empty when the reason is another one."""
        return self.problem.field_errors

    @property
    def retry_after(self) -> int | None:
        """Seconds to wait before a new try, if the server said so."""
        return self.problem.retry_after

    @property
    def limit(self) -> Limit | None:
        """Where the caller stands, if the endpoint has a limit."""
        return self.problem.limit

    @property
    def temporary(self) -> bool:
        return self._temporary

    @property
    def may_be_stored(self) -> bool:
        return self._may_be_stored or self.earlier_try


class InvalidRequest(Refused):
    """400: a header cannot be used, such as an Idempotency-Key or a visitor's address that is none."""

    CODE = "invalid_request"


class InvalidJson(Refused):
    """400: the body is no JSON. Text with half a surrogate pair in it is the one way to get there from here."""

    CODE = "invalid_json"


class IpNotAllowed(Refused):
    """403: the owner has not allowed the address that this machine calls from; ``detail`` names it."""

    CODE = "ip_not_allowed"


class OriginNotAllowed(Refused):
    """403: the owner has not allowed the website that the call says it comes from."""

    CODE = "origin_not_allowed"


class OriginRequired(Refused):
    """403: the endpoint takes leads from web pages only, or from addresses that the owner has allowed."""

    CODE = "origin_required"


class NotFound(Refused):
    """404: there is no endpoint at this URL."""

    CODE = "not_found"


class MethodNotAllowed(Refused):
    """405: not sent with POST; something on the way changed the request."""

    CODE = "method_not_allowed"


class RequestTimeout(Refused):
    """408, code ``timeout``: the request did not arrive in time. Nothing was stored."""

    CODE = "timeout"
    _temporary = True


class EndpointDisabled(Refused):
    """410: the owner has switched the endpoint off, or given it a new URL."""

    CODE = "endpoint_disabled"


class TooLarge(Refused):
    """413: more than 65,536 bytes."""

    CODE = "too_large"


class UriTooLong(Refused):
    """414: the URL is too long."""

    CODE = "uri_too_long"


class UnsupportedMediaType(Refused):
    """415: not sent as JSON; something on the way changed the request."""

    CODE = "unsupported_media_type"


class HeadersTooLarge(Refused):
    """431: more than 16 KiB of headers; something on the way added to them."""

    CODE = "headers_too_large"


class IdempotencyInFlight(Refused):
    """409: another call with the same Idempotency-Key is still being worked on."""

    CODE = "idempotency_in_flight"
    _temporary = True
    _may_be_stored = True


class MissingFields(Refused):
    """422: name, phone or email is missing or blank; ``field_errors`` lists every wrong field."""

    CODE = "missing_fields"


class InvalidFields(Refused):
    """422: ``field_errors`` says which fields, and why."""

    CODE = "invalid_fields"


class UnknownLeadType(Refused):
    """422: the workspace has no lead type of this name."""

    CODE = "unknown_lead_type"


class IdempotencyMismatch(Refused):
    """422: the Idempotency-Key was used for another lead before."""

    CODE = "idempotency_mismatch"


class CaptchaFailed(Refused):
    """422: the CAPTCHA's token is missing, wrong, too old, or was used before."""

    CODE = "captcha_failed"


class RateLimited(Refused):
    """429: as many leads as the owner allows in 24 hours.

    ``limit.policy`` says whether one address has used them (``leads-per-ip``: the visitor's, where it is sent and
    taken) or all visitors of this server together (``leads-per-server``). ``retry_after`` may be hours.
    """

    CODE = "rate_limited"
    _temporary = True


class Unavailable(Refused):
    """503: the server cannot store anything just now. Certainly nothing was stored."""

    CODE = "unavailable"
    _temporary = True


class OutcomeUnknown(Refused):
    """503: the server's database broke off while storing."""

    CODE = "outcome_unknown"
    _temporary = True
    _may_be_stored = True


class CaptchaUnavailable(Refused):
    """503: the CAPTCHA's provider cannot be reached. Nothing was stored."""

    CODE = "captcha_unavailable"
    _temporary = True


class HoldingFull(Refused):
    """503: the lead looked suspicious, and there is no room for more of these. Nothing was stored."""

    CODE = "holding_full"
    _temporary = True


#: Problem code → class. A code that is not here is raised as ``Refused`` itself.
BY_CODE: dict[str, type[Refused]] = {each.CODE: each for each in Refused.__subclasses__()}
