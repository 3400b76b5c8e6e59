"""A file in which leads wait until they can be sent, for the people who look after it.

A lead is written and synced to disk before the first try and goes away once the server has it, so neither a server that
is down nor a crash of this process loses it. The file holds no URL, only a hash that tells endpoints apart.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from stagewise_client.errors import ConfigError
from stagewise_client.spoolfile import SpoolFile, now_ms
from stagewise_client.wire import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A lead that waits for a person, not for the server."""

    #: Its Idempotency-Key.
    key: str
    #: What was to be sent.
    fields: dict[str, Any] = field(repr=False)
    #: The problem code, or ``too_old``, or ``outcome_unknown``: it may have been stored, too long ago to ask.
    code: str
    #: For people.
    detail: str
    #: When it was given to ``create_lead``; UTC.
    created_at: datetime
    #: Since when it is aside; UTC.
    aside_at: datetime


class Spool:
    """The file at ``path``; made if it is not there, in a folder that is.

    ``max_leads``: how many leads fit, those that are set aside included. When it is full, the one that was set aside
    first gives way; leads that wait never do.
    ``max_age``: a lead that has waited so long is set aside as ``too_old``.
    ``keep_aside``: a lead that is set aside is deleted after this time.

    Several endpoints may share a file: each client sends what was spooled for its own URL. After a new URL for the same
    endpoint, ``readdress`` hands over what still waits.

    Raises ConfigError when the file cannot be opened or is something else; its methods raise SpoolFailed.

    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> spool = Spool(folder.name + "/leads.spool")
    >>> len(spool), spool.refused()
    (0, [])
    >>> folder.cleanup()
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_leads: int = 10_000,
        max_age: timedelta = timedelta(days=7),
        keep_aside: timedelta = timedelta(days=30),
    ) -> None:
        if max_leads < 1 or max_age <= timedelta() or keep_aside <= timedelta():
            raise ConfigError("a spool's max_leads, max_age and keep_aside must be above zero")
        milliseconds = timedelta(milliseconds=1)
        self.file = SpoolFile(
            path, max_leads=max_leads, max_age=max_age // milliseconds, keep_aside=keep_aside // milliseconds
        )

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self.file.path

    def __repr__(self) -> str:
        return f"Spool({str(self.path)!r})"

    def __bool__(self) -> bool:
        return True  # an empty spool is one all the same

    def __len__(self) -> int:
        """How many leads wait to be sent, for whichever endpoint."""
        with self.file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM lead WHERE code IS NULL").fetchone()[0])

    def refused(self) -> list[SetAside]:
        """The leads that are set aside, the newest first."""
        with self.file.reading() as connection:
            rows = connection.execute(
                "SELECT key, document, code, detail, created_at, aside_at FROM lead"
                " WHERE code IS NOT NULL ORDER BY aside_at DESC, rowid DESC"
            ).fetchall()
        return [
            SetAside(
                key=key,
                fields=json.loads(document),
                code=code,
                detail=detail,
                created_at=date(created),
                aside_at=date(aside),
            )
            for key, document, code, detail, created, aside in rows
        ]

    def retry(self, key: str | None = None) -> int:
        """Let a lead that is set aside wait again, or all of them; returns how many. Their age counts from now."""
        with self.file.writing() as connection:
            return connection.execute(
                "UPDATE lead SET code = NULL, detail = NULL, aside_at = NULL, tries = 0, next_at = 0,"
                " unsure_since = NULL, queued_at = :now WHERE code IS NOT NULL AND (:key IS NULL OR key = :key)",
                {"key": key, "now": now_ms()},
            ).rowcount

    def discard(self, key: str) -> bool:
        """Delete a lead that is set aside; returns whether there was one."""
        with self.file.writing() as connection:
            return connection.execute("DELETE FROM lead WHERE code IS NOT NULL AND key = ?", (key,)).rowcount > 0

    def readdress(self, url: str) -> int:
        """Hand over to this URL whatever the file holds for others; returns how many leads that were.

        For an endpoint that got a new URL. Nothing is sent twice by that: the server binds Idempotency-Keys to the
        endpoint, not to its URL.
        """
        endpoint = Endpoint.parse(url).fingerprint
        with self.file.writing() as connection:
            connection.execute("DELETE FROM pause")
            return connection.execute(
                "UPDATE OR IGNORE lead SET endpoint = :new WHERE endpoint <> :new", {"new": endpoint}
            ).rowcount


def date(milliseconds: int) -> datetime:
    """Of a time in the file; UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
