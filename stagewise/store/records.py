"""What a batch writes, and what it says to each caller."""

from __future__ import annotations

import msgspec

from stagewise.core.fields import FieldError
from stagewise.core.limits import Figures
from stagewise.options.captcha import ToVerify
from stagewise.options.source import Source


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
    forwarded_by: str | None
    repeat_slot: int | None
    repeat_hash: int


class NewHeld(msgspec.Struct, array_like=True):
    """A suspicious lead that waits for the owner."""

    public_id: str
    workspace_id: int
    endpoint_id: int
    lead_type_id: int
    name: str
    phone: str
    phone_e164: str | None
    email: str
    message: str | None
    at: int
    address: str
    forwarded_by: str | None
    origin: str | None
    user_agent: str | None
    request_id: str
    #: JSON text.
    attribution: str | None
    reasons: str
    repeat_slot: int
    repeat_hash: int


class NewHit(msgspec.Struct, array_like=True):
    """A used slot that comes with no lead of its own row: of a held lead, or of a forwarding server."""

    workspace_id: int
    endpoint_id: int
    bucket: str
    at: int


class NewBound(msgspec.Struct, array_like=True):
    """An Idempotency-Key bound by an answer that made no new lead."""

    workspace_id: int
    endpoint_id: int
    key: str
    fingerprint: str
    lead_id: int | None
    status: int
    answer: str
    at: int


class NewAttribution(msgspec.Struct, array_like=True):
    """Where a lead came from on the web."""

    lead_id: int
    workspace_id: int
    page_url: str | None
    referrer: str | None
    utm_source: str | None
    utm_medium: str | None
    utm_campaign: str | None
    utm_term: str | None
    utm_content: str | None
    #: JSON text.
    click_ids: str


class Repeat(msgspec.Struct):
    """A submission that came again. Its lead may be one of the same batch, whose row id comes last."""

    workspace_id: int
    at: int
    lead: NewLead | None = None
    lead_id: int = 0
    #: Row id of a held lead; of one that the same batch holds nothing more is kept.
    held_id: int = 0


class Rows(msgspec.Struct):
    """Everything that a batch writes in its transaction."""

    #: The batch's moment.
    at: int = 0
    leads: list[NewLead] = []
    #: Test leads: no hit, no event, counted apart.
    tests: list[NewLead] = []
    held: list[NewHeld] = []
    hits: list[NewHit] = []
    bound: list[NewBound] = []
    attributions: list[NewAttribution] = []
    repeats: list[Repeat] = []
    #: (endpoint id, hash) of messages whose repetition counts.
    messages: list[tuple[int, int]] = []
    #: An answer repeats an earlier one: nothing is written for it, but COMMIT must say that what it rests on is safe.
    repeats_an_answer: bool = False

    def __bool__(self) -> bool:
        return bool(self.leads or self.tests or self.held or self.repeats or self.bound or self.repeats_an_answer)

    def public_ids(self) -> set[str]:
        """What must be in the database if the transaction was committed."""
        return {row.public_id for rows in (self.leads, self.tests, self.held) for row in rows}


class Decision(msgspec.Struct):
    """What became of one submission."""

    #: ``created``, ``replayed``, ``duplicate``, ``held``, ``test_created``, ``preflight``, ``admitted`` (caller only),
    #: ``verify`` (ask the CAPTCHA's provider first), or the code of a refusal.
    outcome: str
    #: The body of a 201 or 202.
    body: bytes | None = None
    status: int = 201
    field_errors: tuple[FieldError, ...] = ()
    figures: Figures | None = None
    #: The value of ``Access-Control-Allow-Origin``, if the answer may carry one.
    allow_origin: str | None = None
    #: Beside the outcome in the journal; a code of ``NOTES``.
    note: str = ""
    #: Whose call it was, when more is known than the caller's address.
    source: Source | None = None
    #: The first lead of a repeat.
    lead_id: int | None = None
    verify: ToVerify | None = None


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
    forwarded_by: str | None
    lead_id: int | None


class Bound(msgspec.Struct, frozen=True):
    """An Idempotency-Key that an answer has bound."""

    fingerprint: str
    status: int
    answer: str


class Earlier(msgspec.Struct):
    """What came before with the same mark, and may be the same submission."""

    public_id: str
    at: int
    #: Name, phone, e-mail, message.
    fields: tuple[str, str, str, str | None]
    lead_id: int = 0
    held_id: int = 0
    #: Made in this batch, and not numbered yet.
    lead: NewLead | None = None
    is_held: bool = False


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


class RepeatAnswer(Answer):
    """The body of a 201 for a submission that came again: the first one's, and the word for it."""

    duplicate: bool = True


class HeldAnswer(msgspec.Struct):
    """The body of a 202."""

    id: str
    held: bool
    request_id: str
