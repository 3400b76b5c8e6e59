"""One endpoint's part of a spool, as the client uses it. Every method may block; they raise SpoolFailed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stagewise_client.spoolfile import SpoolFile, now_ms
from stagewise_client.wire import Call

if TYPE_CHECKING:
    import sqlite3

#: The server keeps an Idempotency-Key for 24 hours at least (docs/api.md). A lead that one try may have stored is not
#: sent again on its own an hour before that, or it might be there twice. In ms.
_KEY_KEPT: Final = 23 * 3_600_000
#: Nothing is put off for longer. What lies further ahead was written by a clock that was wrong. In ms.
_DAY: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Claimed:
    """A lead that is this process's to send, until its lease ends."""

    call: Call
    #: How often it was tried before.
    tries: int
    #: When the first try began that may have stored it, in ms; None when certainly none has.
    unsure_since: int | None
    #: When it was given to ``create_lead``, in ms.
    created_at: int

    @property
    def key_may_be_forgotten(self) -> bool:
        """Whether the server may have stored it and not know it any more."""
        return self.unsure_since is not None and now_ms() - self.unsure_since > _KEY_KEPT


@dataclass(frozen=True, slots=True)
class Shelf:
    """The leads in ``file`` that are for the endpoint with this fingerprint."""

    file: SpoolFile
    endpoint: str

    def waiting(self) -> int:
        """How many leads wait, those that are being tried included."""
        with self.file.reading() as connection:
            return self._waiting(connection, "=")

    def waiting_for_others(self) -> int:
        """How many leads in the file wait for other endpoints."""
        with self.file.reading() as connection:
            return self._waiting(connection, "<>")

    def _waiting(self, connection: sqlite3.Connection, relation: str) -> int:
        found = connection.execute(
            f"SELECT count(*) FROM lead WHERE code IS NULL AND endpoint {relation} ?",  # noqa: S608 - one of two
            (self.endpoint,),
        )
        return int(found.fetchone()[0])

    def keep(self, call: Call, lease: float) -> Claimed | None:
        """Write a lead down before its first try, which may take ``lease`` seconds.

        None when another lead is there under the same key; the same one is taken over.
        """
        now, document = now_ms(), json.dumps(call.fields)
        named = {
            "endpoint": self.endpoint, "key": call.key, "document": document, "visitor_ip": call.visitor_ip,
            # An answer is forced once. What is sent later is a test lead like any other, and cannot fail for ever.
            "test": call.test and "1", "now": now, "until": now + int(lease * 1000),
        }  # fmt: skip
        with self.file.writing() as connection:
            found = connection.execute(
                "SELECT document, tries, unsure_since, created_at FROM lead WHERE endpoint = :endpoint AND key = :key",
                named,
            ).fetchone()
            if found is None:
                self.file.make_room(connection)
                connection.execute(
                    "INSERT INTO lead (endpoint, key, document, visitor_ip, test, created_at, queued_at, leased_until,"
                    " unsure_since) VALUES (:endpoint, :key, :document, :visitor_ip, :test, :now, :now, :until, :now)",
                    named,
                )
                return Claimed(call, 0, None, now)
            if found[0] != document:
                return None
            connection.execute(
                "UPDATE lead SET code = NULL, detail = NULL, aside_at = NULL, leased_until = :until,"
                " unsure_since = ifnull(unsure_since, :now) WHERE endpoint = :endpoint AND key = :key",
                named,
            )
            return Claimed(call, *found[1:])

    def claim(self, lease: float, since: int) -> Claimed | None:
        """The lead that has waited longest and may be tried now, for ``lease`` seconds; None when there is none.

        Leads that were put back after ``since`` (in ms) have had their turn.
        """
        if not self.waiting():
            return None
        now = now_ms()
        named = {
            "endpoint": self.endpoint, "now": now, "since": since, "limit": now + _DAY,
            "until": now + int(lease * 1000),
        }  # fmt: skip
        with self.file.writing() as connection:
            self.file.tidy(connection)
            found = connection.execute(
                "SELECT key, document, visitor_ip, test, tries, unsure_since, created_at FROM lead"
                " WHERE endpoint = :endpoint AND code IS NULL"
                " AND NOT (next_at >= :since AND next_at <= :limit)"
                " AND NOT (leased_until > :now AND leased_until <= :limit)"
                " AND NOT EXISTS (SELECT 1 FROM pause WHERE endpoint = :endpoint AND until > :now AND until <= :limit)"
                " ORDER BY queued_at, rowid LIMIT 1",
                named,
            ).fetchone()
            if found is None:
                return None
            key, document, visitor_ip, test, *rest = found
            connection.execute(
                "UPDATE lead SET leased_until = :until, tries = tries + 1, unsure_since = ifnull(unsure_since, :now)"
                " WHERE endpoint = :endpoint AND key = :key",
                {**named, "key": key},
            )
        return Claimed(Call(key, json.loads(document), visitor_ip, test), *rest)

    def sent(self, key: str) -> None:
        """The server has it, and so can be reached."""
        with self.file.writing() as connection:
            connection.execute("DELETE FROM lead WHERE endpoint = ? AND key = ?", (self.endpoint, key))
            connection.execute("DELETE FROM pause WHERE endpoint = ?", (self.endpoint,))

    def drop(self, key: str) -> None:
        """Whoever called ``create_lead`` was told what is wrong with it."""
        with self.file.writing() as connection:
            connection.execute("DELETE FROM lead WHERE endpoint = ? AND key = ?", (self.endpoint, key))

    def set_aside(self, key: str, code: str, detail: str) -> None:
        """It needs a person."""
        with self.file.writing() as connection:
            connection.execute(
                "UPDATE lead SET code = ?, detail = ?, aside_at = ?, leased_until = 0 WHERE endpoint = ? AND key = ?",
                (code, detail, now_ms(), self.endpoint, key),
            )

    def later(self, key: str, wait: float, unsure_since: int | None) -> None:
        """Not now, but after ``wait`` seconds."""
        with self.file.writing() as connection:
            self._put_back(connection, key, now_ms() + int(wait * 1000), unsure_since)

    def pause(self, key: str, wait: float, unsure_since: int | None) -> None:
        """Not now, nor anything else for this endpoint."""
        now = now_ms()
        with self.file.writing() as connection:
            self._put_back(connection, key, 0, unsure_since)
            connection.execute(
                "INSERT INTO pause VALUES (:endpoint, :until, 1)"
                # Leads that fail while it pauses already say nothing new.
                " ON CONFLICT DO UPDATE SET until = max(until, :until), failures = failures + (until <= :now)",
                {"endpoint": self.endpoint, "until": now + int(wait * 1000), "now": now},
            )

    def _put_back(self, connection: sqlite3.Connection, key: str, next_at: int, unsure_since: int | None) -> None:
        connection.execute(
            "UPDATE lead SET leased_until = 0, next_at = ?, unsure_since = ? WHERE endpoint = ? AND key = ?",
            (next_at, unsure_since, self.endpoint, key),
        )

    def failures(self) -> int:
        """How often in a row the endpoint could not be reached."""
        with self.file.reading() as connection:
            row = connection.execute("SELECT failures FROM pause WHERE endpoint = ?", (self.endpoint,)).fetchone()
        return int(row[0]) if row else 0
