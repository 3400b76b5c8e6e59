"""Writes a backup while leads come in, and believes in it only when it was read again."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import tempfile
import time
from pathlib import Path

from stagewise import __version__, settings
from stagewise.backup import archive
from stagewise.backup.archive import BackupError, Manifest
from stagewise.settings import Settings
from stagewise.store.schema import key_fingerprint

#: What people want to find in a manifest.
COUNTED = ("workspace", "user_account", "endpoint", "channel", "lead", "held_lead", "event")

#: The name that a backup in a folder gets; only files of such names are ever thrown away.
_NAME = "stagewise-%Y-%m-%dT%H%M%SZ.backup"
_NAMED = re.compile(r"stagewise-\d{4}-\d\d-\d\dT\d{6}Z\.backup")


def back_up(chosen: Settings, target: Path | None, keep: int | None = None) -> tuple[Path, Manifest]:
    """Write a backup and return where it is and what it says of itself.

    ``target`` is a file that must not exist, or a folder, in which the file is named after the time; ``None`` is the
    folder ``backups`` in the data directory. ``keep`` throws away all but the newest so many of the folder. Raises
    :class:`BackupError`, with nothing left behind.
    """
    if not chosen.uses_postgres and not chosen.sqlite_path.exists():
        raise BackupError(f"there is no installation in {chosen.data_dir}: set STAGEWISE_DATA_DIR")
    if not settings.has_secret_key(chosen):
        raise BackupError(f"the secret key is missing from {chosen.data_dir}: a backup could not be restored")
    if target is None:
        target = chosen.data_dir / "backups"
        target.mkdir(mode=0o700, exist_ok=True)
    at = time.time()
    folder, is_folder = (target, True) if target.is_dir() else (target.parent, False)
    path = target / time.strftime(_NAME, time.gmtime(at)) if is_folder else target
    if keep is not None and not is_folder:
        raise BackupError(f"{target} is no folder: old backups can be thrown away in a folder only")
    if path.exists():
        raise BackupError(f"{path} exists already; it was left as it is")
    try:
        with tempfile.TemporaryDirectory(prefix=".stagewise-backup-", dir=folder) as unfinished:
            manifest = _write(chosen, Path(unfinished), int(at * 1_000))
            (Path(unfinished) / "backup").rename(path)
        archive.sync_folder(folder)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise BackupError(f"no backup was written to {path}: {reason}") from None
    if keep is not None:
        _throw_away(folder, keep)
    return path, manifest


def _write(chosen: Settings, folder: Path, at: int) -> Manifest:
    """Write ``backup`` in the folder, and check it."""
    copy = folder / "database"
    manifest, fingerprint = _copy_postgres(chosen, copy, at) if chosen.uses_postgres else _copy_sqlite(chosen, copy, at)
    secret = settings.secret_key(chosen)
    if fingerprint and fingerprint != key_fingerprint(secret):
        raise BackupError("the secret key is not the one of the database; a backup with it could not be restored")
    files: dict[str, Path | bytes] = {manifest.database: copy, archive.SECRET_KEY: secret.encode() + b"\n"}
    configuration = chosen.data_dir / archive.CONFIGURATION
    if configuration.exists():
        files[archive.CONFIGURATION] = configuration
    archive.write(folder / "backup", manifest, files)
    _drop_from_memory(folder / "backup")
    archive.check(folder / "backup")
    return manifest


def _copy_sqlite(chosen: Settings, copy: Path, at: int) -> tuple[Manifest, str]:
    """A copy of the file; its manifest, and the fingerprint of its secret key."""
    with contextlib.closing(sqlite3.connect(chosen.sqlite_path, isolation_level=None, timeout=60)) as source:
        newest = source.execute("SELECT max(id) FROM lead").fetchone()[0]
        source.execute("VACUUM INTO ?", [str(copy)])
        schema, counts, fingerprint = _checked(copy, source, newest)
    return Manifest(stagewise=__version__, schema=schema, engine="sqlite", at=at, counts=counts), fingerprint


def _copy_postgres(chosen: Settings, copy: Path, at: int) -> tuple[Manifest, str]:
    """The same of a server's database."""
    from stagewise.backup import postgres  # the driver is not needed for SQLite

    assert chosen.database_url is not None
    found = postgres.dump(chosen.database_url, copy, COUNTED)
    manifest = Manifest(
        stagewise=__version__, schema=found.schema, engine="postgresql", at=at, counts=found.counts,
        migrations=found.migrations,
    )  # fmt: skip
    return manifest, found.fingerprint


def _checked(copy: Path, source: sqlite3.Connection, newest: int | None) -> tuple[int, dict[str, int], str]:
    """Schema, counts and fingerprint of a copy that is sound and has the lead that was the newest at the start."""
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as database:
        refuse_damaged(database, f"the database {source.execute('PRAGMA database_list').fetchone()[2]}")
        has = "SELECT count(*) FROM lead WHERE id = ?"
        # It may have been deleted meanwhile; then it is gone from the source as well.
        if database.execute(has, [newest]).fetchone() < source.execute(has, [newest]).fetchone():
            raise BackupError("the copy lacks a lead that was there before it was begun; no backup was written")
        counts = {table: database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in COUNTED}  # noqa: S608 - constants
        schema, fingerprint = database.execute("SELECT schema_version, key_fingerprint FROM installation").fetchone()
    return schema, counts, fingerprint


def refuse_damaged(database: sqlite3.Connection, what: str) -> None:
    """Raise :class:`BackupError` unless SQLite finds the whole database in order."""
    try:
        found = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        line = " ".join(found.split())
        raise BackupError(f"{what} is damaged ({line}): restore an earlier backup")


def _drop_from_memory(path: Path) -> None:
    """Let the check read what is on the disk rather than what the kernel remembers (posix_fadvise(2))."""
    with path.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _throw_away(folder: Path, keep: int) -> None:
    named = sorted(each for each in folder.iterdir() if _NAMED.fullmatch(each.name))
    for old in named[:-keep]:
        old.unlink()
