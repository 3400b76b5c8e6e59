"""What the relay remembers: who has sent how many in the last 24 hours, and which CAPTCHA tokens have been used.

One SQLite file for all processes of a relay. Addresses are not in it, only keyed hashes of them. It keeps SQLite's
rollback journal: older versions' write-ahead log could damage a file (https://sqlite.org/wal.html#walresetbug).
"""

from __future__ import annotations

import hashlib
import hmac
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stagewise_client.errors import ConfigError

WINDOW_S = 86_400
#: How long a token that has passed stays good for the submission that it came with (a retry), in seconds.
PASSED_S = 600

_SCHEMA = """
CREATE TABLE IF NOT EXISTS slot (
    submission TEXT PRIMARY KEY, visitor TEXT NOT NULL, at_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS slot_visitor ON slot (visitor, at_ms);
CREATE INDEX IF NOT EXISTS slot_at ON slot (at_ms);
CREATE TABLE IF NOT EXISTS token (
    hash TEXT PRIMARY KEY, submission TEXT, passed_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS token_until ON token (until_ms);
"""


class Memory:
    """Slots of the limit, and tokens. All methods may be called from any thread.

    path: the file, made when absent (0600). key: what addresses are hashed with. Raises ConfigError when the file
    cannot be used; later trouble is sqlite3.Error.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path, self._key = path, key.encode()
        try:
            path.touch(mode=0o600)
            with self._connection() as db:
                db.executescript(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            raise ConfigError(f"{path} cannot be used: {error}") from None

    def take_slot(self, visitor: str, submission: str, limit: int) -> float:
        """Take one of ``limit`` slots of 24 hours: 0, or the seconds until one is free. Repeats take no second one."""
        now, who = _now_ms(), self._hashed(visitor)
        with self._writing() as db:
            db.execute("DELETE FROM slot WHERE at_ms <= ?", (now - WINDOW_S * 1000,))
            if db.execute("SELECT 1 FROM slot WHERE submission = ?", (submission,)).fetchone():
                return 0.0
            # The N-th newest decides: when it leaves the window, there is room for one more.
            oldest = db.execute(
                "SELECT at_ms FROM slot WHERE visitor = ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?", (who, limit - 1)
            ).fetchone()
            if oldest is not None:
                return max(1.0, (int(oldest[0]) + WINDOW_S * 1000 - now) / 1000)
            db.execute("INSERT INTO slot VALUES (?, ?, ?)", (submission, who, now))
            return 0.0

    def free_slot(self, submission: str) -> None:
        """Give a slot back: nothing came of the submission."""
        with self._writing() as db:
            db.execute("DELETE FROM slot WHERE submission = ?", (submission,))

    def passed(self, token: str) -> bool:
        """Whether a token (its hash) has passed its check before, and may still be good for the same submission."""
        with self._connection() as db:
            row = db.execute(
                "SELECT 1 FROM token WHERE hash = ? AND passed_ms > ?", (token, _now_ms() - PASSED_S * 1000)
            )
            return row.fetchone() is not None

    def use_token(self, token: str, submission: str, keep_s: int) -> bool:
        """Use a token that has passed for a submission; False when another one has used it.

        ``keep_s``: how many seconds such a token could be sent again, at most.
        """
        now = _now_ms()
        with self._writing() as db:
            db.execute("DELETE FROM token WHERE until_ms <= ?", (now,))
            db.execute(
                "INSERT INTO token VALUES (?, ?, ?, ?) ON CONFLICT (hash) DO UPDATE"
                " SET submission = excluded.submission WHERE submission IS NULL",
                (token, submission, now, now + max(keep_s, PASSED_S) * 1000),
            )
            (user,) = db.execute("SELECT submission FROM token WHERE hash = ?", (token,)).fetchone()
            return bool(user == submission)

    def release_token(self, token: str, submission: str) -> None:
        """Nothing came of the submission: its visitor may correct it and send the token again."""
        with self._writing() as db:
            db.execute("UPDATE token SET submission = NULL WHERE hash = ? AND submission = ?", (token, submission))

    def check(self) -> None:
        """See that the file can be written. Raises sqlite3.Error."""
        with self._writing() as db:
            db.execute("DELETE FROM token WHERE until_ms <= ?", (_now_ms(),))

    def _hashed(self, visitor: str) -> str:
        return hmac.new(self._key, visitor.encode(), hashlib.sha256).hexdigest()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A connection, closed afterwards: forms are rare, and nothing is inherited by a forked process."""
        db = sqlite3.connect(self._path, timeout=10, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
