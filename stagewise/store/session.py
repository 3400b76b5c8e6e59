"""What the ledger asks of a database: one connection, used by one thread at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from stagewise.core.submission import Submission
from stagewise.store.journal import EndpointHour, Flush
from stagewise.store.records import Rows
from stagewise.store.view import Place, View


class StoreError(Exception):
    """The database refused or failed. Nothing of the transaction is stored."""


class Gone(StoreError):
    """The database cannot be reached; the connection is closed and the next use opens a new one."""


class Busy(StoreError):
    """A lock was not to be had in time."""


class Unknown(StoreError):
    """COMMIT was sent and not confirmed: the transaction may or may not be stored, or not on the standby."""


class Session(Protocol):
    """A connection that reads, and one transaction at a time that writes. All methods raise :class:`StoreError`."""

    #: What to tell callers whose transaction is not found after a lost COMMIT: ``unavailable`` where that proves that
    #: nothing was stored, ``outcome_unknown`` where it does not.
    after_loss: str

    #: Whether the database works in this process, so that a statement waits for nobody.
    is_local: bool

    def read(self, batch: Sequence[Submission]) -> View:
        """Begin a plain read for a batch; :meth:`done` ends it."""

    def begin(self, batch: Sequence[Submission]) -> View:
        """Take the locks that this batch needs, begin to write, and read the rules after that."""

    def begin_at_once(self, batch: Sequence[Submission]) -> View | None:
        """The same, but only if nobody need be waited for; None if somebody writes. Asked of local databases only."""

    def done(self) -> None:
        """End the transaction without keeping anything."""

    def insert(self, rows: Rows, process: int) -> None:
        """Write leads with their hits, attempts, events, bound keys, the counters of their attempts, and the rest."""

    def commit(self) -> None:
        """Make the transaction durable; returns only after the log is synced. Raises :class:`Unknown`.

        With a synchronous standby that means on its disk too, and everything that the transaction has read is there.
        """

    def flush(self, journal: Flush, process: int) -> list[tuple[EndpointHour, int]]:
        """Write rows of the journal in a transaction of their own; return how many detail rows each hour now has."""

    def remember_pass(self, place: Place, fingerprint: str) -> str:
        """Keep, in a transaction of its own, with what a CAPTCHA's token has passed; return with what it did first."""

    def stored(self, public_ids: Collection[str]) -> set[str]:
        """Which of these leads are stored, or held, as safely as a COMMIT would have said."""

    def check(self, secret_key: str) -> None:
        """Raise :class:`stagewise.store.schema.SchemaError` if this lane does not serve the database."""

    def ping(self, *, write: bool) -> None:
        """Raise unless the database can be read (and, with ``write``, written)."""

    def close(self) -> None:
        """Close the connection; the session can be used again and then opens a new one."""


def keys_of(batch: Iterable[Submission]) -> list[str]:
    """The distinct keys of a batch."""
    return list({submission.key for submission in batch})
