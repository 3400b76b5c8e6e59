"""What becomes of a lead that was not refused.

The representations leave out what the visitor typed, so results may be logged as they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Limit:
    """Where the caller stands with the endpoint's limit (``RateLimit`` headers, IETF draft)."""

    #: ``leads-per-ip`` or ``leads-per-server``.
    policy: str
    #: How many leads are taken in any ``window`` seconds.
    quota: int
    #: How many more would be taken now.
    remaining: int
    #: Seconds until the oldest lead stops counting; None when none counts.
    reset: int | None = None
    #: Seconds.
    window: int = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """The lead is stored, and synced to the server's disk."""

    #: A UUIDv7; the console shows the lead under it.
    id: str
    name: str = field(repr=False)
    phone: str = field(repr=False)
    #: The number in international form (E.164); None where that is not certain yet.
    phone_e164: str | None = field(default=None, repr=False)
    email: str = field(repr=False)
    message: str | None = field(default=None, repr=False)
    #: The name of the lead type that it got.
    lead_type: str
    #: A test lead: takes no slot of the limit, notifies nobody, and goes after 7 days.
    test: bool = False
    #: UTC.
    created_at: datetime
    #: The same lead came within five minutes before; this is the first one, and no second one was made.
    duplicate: bool = False
    #: The same Idempotency-Key came before; this is the answer to the first call.
    replayed: bool = False
    request_id: str = ""
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The lead looked suspicious and waits for the endpoint's owner, who releases or discards it.

    To the visitor this is a success: whoever is told otherwise learns how to get past the rules.
    """

    id: str
    replayed: bool = False
    request_id: str = ""
    limit: Limit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """The lead could not be sent now. It is synced to this machine's disk and will be sent later."""

    #: Its Idempotency-Key, under which the spool knows it.
    key: str
    #: Since when it waits; UTC.
    created_at: datetime
    #: Why it could not be sent, in words for the log.
    reason: str


#: What ``create_lead`` returns.
Result: TypeAlias = Created | Held | Spooled


@dataclass(frozen=True, slots=True, kw_only=True)
class Flushed:
    """What ``flush`` did."""

    #: How many leads the server has now, the held ones included.
    sent: int = 0
    #: How many it refused; the spool keeps them aside.
    refused: int = 0
    #: How many still wait.
    waiting: int = 0
