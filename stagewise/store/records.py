"""The rows that a batch writes, and what it says to each caller."""

from __future__ import annotations

import msgspec

from stagewise.core.fields import FieldError
from stagewise.core.limits import Figures


class Decision(msgspec.Struct):
    """What became of one submission."""

    #: ``created``, ``replayed``, ``preflight``, ``admitted`` (caller only), or the code of a refusal.
    outcome: str
    #: The body of a 201.
    body: bytes | None = None
    field_errors: tuple[FieldError, ...] = ()
    figures: Figures | None = None
    #: The value of ``Access-Control-Allow-Origin``, if the answer may carry one.
    allow_origin: str | None = None


class NewLead(msgspec.Struct, array_like=True):
    """A lead with all that is written beside it; the SQL takes the columns by position."""

    id: int
    #: UUIDv7 as 32 hexadecimal digits, as Django keeps it on SQLite.
    public_id: str
    workspace_id: int
    endpoint_id: int
    lead_type_id: int
    stage_id: int
    name: str
    phone: str
    phone_e164: str | None
    email: str
    message: str | None
    at: int
    address: str
    bucket: str
    origin: str | None
    user_agent: str | None
    request_id: str
    address_from: str
    note: str
    event_id: str
    idempotency_key: str | None
    fingerprint: str | None
    answer: str | None


class Attempt(msgspec.Struct, array_like=True):
    """A detail row of the journal, for calls that made no lead."""

    workspace_id: int
    endpoint_id: int
    at: int
    outcome: str
    status: int
    address: str | None
    address_from: str
    note: str
    preflight: bool
    origin: str | None
    user_agent: str | None
    field_errors: str
    request_id: str


class Bound(msgspec.Struct, frozen=True):
    """An Idempotency-Key that a created lead has bound."""

    fingerprint: str
    answer: str


class AnswerType(msgspec.Struct):
    """The lead type in a 201."""

    name: str


class Answer(msgspec.Struct):
    """The body of a 201, in the order of the contract."""

    id: str
    name: str
    phone: str
    phone_e164: str | None
    email: str
    message: str | None
    lead_type: AnswerType
    test: bool
    created_at: str
