"""Puts a backup in the place of an installation that is not there yet. Until the last step nothing is changed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

import stagewise
from stagewise import settings
from stagewise.backup import archive
from stagewise.backup.archive import BackupError, Manifest
from stagewise.backup.writing import refuse_damaged
from stagewise.serve.alone import lock_data_dir
from stagewise.settings import Settings
from stagewise.store.schema import SCHEMA_VERSION

#: Engine → as people call it.
_ENGINES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
#: Said of every channel after a restore, in at most 200 characters.
WHY_PAUSED = "Restored from a backup: what waits here may have been sent before. Resume the channel to send it."


def restore(chosen: Settings, path: Path, *, move_aside: bool = False) -> Manifest:
    """Make the installation that the backup holds; its channels are paused. The schema is left as it was.

    ``move_aside`` puts what is in the way into a folder in the data directory. Raises :class:`BackupError` and
    :class:`SettingsError`; then the data directory is as it was.
    """
    manifest = archive.check(path)
    if chosen.uses_postgres != (manifest.engine == "postgresql"):
        raise BackupError(
            f"{path} is of an installation on {_ENGINES[manifest.engine]}: "
            + ("leave out STAGEWISE_DATABASE_URL" if chosen.uses_postgres else "set STAGEWISE_DATABASE_URL")
        )
    if manifest.schema > SCHEMA_VERSION:
        raise _newer(path, manifest)
    settings.prepare_data_dir(chosen)
    lock = lock_data_dir(chosen)
    try:
        in_the_way = _in_the_way(chosen)
        if in_the_way and not move_aside:
            raise BackupError(
                f"{in_the_way[0]} is there already: give --move-aside to keep what is there in a folder beside it,"
                " or set STAGEWISE_DATA_DIR to an empty directory"
            )
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=chosen.data_dir) as unfinished:
            _prepare(path, manifest, Path(unfinished), chosen)
            if chosen.uses_postgres:
                _put_back(Path(unfinished) / manifest.database, chosen)
            _put_in_place(Path(unfinished), in_the_way, chosen)
    finally:
        os.close(lock)
    return manifest


def _in_the_way(chosen: Settings) -> list[Path]:
    ends = () if chosen.uses_postgres else ("", "-wal", "-shm")
    database = [chosen.sqlite_path.with_name(chosen.sqlite_path.name + end) for end in ends]
    return [each for each in (*database, chosen.data_dir / settings.KEPT_KEY) if each.exists()]


def _prepare(path: Path, manifest: Manifest, folder: Path, chosen: Settings) -> None:
    """Take everything out of the backup and check it; in a file, pause the channels."""
    held = archive.names(path)
    for name in (manifest.database, archive.SECRET_KEY, archive.CONFIGURATION):
        if name in held:
            archive.take_out(path, name, folder / name)
    key = (folder / archive.SECRET_KEY).read_text().strip()
    if chosen.secret_key is not None and chosen.secret_key != key:
        raise BackupError("STAGEWISE_SECRET_KEY is not the secret key of the backup: leave it out, or give the same")
    if chosen.uses_postgres:
        _refuse_newer(path, manifest, manifest.migrations)
        return
    with contextlib.closing(sqlite3.connect(folder / manifest.database, isolation_level=None)) as database:
        database.execute("PRAGMA synchronous = FULL")
        refuse_damaged(database, str(path))
        _refuse_newer(path, manifest, database.execute("SELECT app, name FROM django_migrations"))
        database.execute(
            "UPDATE channel SET paused_at = ?, paused_because = ? WHERE paused_at IS NULL",
            [int(time.time() * 1_000), WHY_PAUSED],
        )


def _put_back(dumped: Path, chosen: Settings) -> None:
    """Restore into the server's database, which must be empty, and pause the channels there."""
    from stagewise.backup import postgres  # the driver is not needed for SQLite

    assert chosen.database_url is not None
    postgres.refuse_unless_empty(chosen.database_url)
    postgres.put_back(chosen.database_url, dumped, int(time.time() * 1_000), WHY_PAUSED)


def _refuse_newer(path: Path, manifest: Manifest, applied: Iterable[tuple[str, str]]) -> None:
    known = _known_migrations()
    apps = {app for app, _name in known}
    if any(app in apps and (app, name) not in known for app, name in applied):
        raise _newer(path, manifest)


def _known_migrations() -> set[tuple[str, str]]:
    """App and name of every migration of this release, without Django, which would make a secret key."""
    package = Path(stagewise.__file__).parent
    return {(each.parts[-3], each.stem) for each in package.glob("*/migrations/0*.py")}


def _newer(path: Path, manifest: Manifest) -> BackupError:
    return BackupError(f"{path} was written by Stagewise {manifest.stagewise}, which is newer than this: update first")


def _put_in_place(folder: Path, in_the_way: list[Path], chosen: Settings) -> None:
    """Move what is in the way aside, and what was prepared to its place; the database comes last."""
    if in_the_way:
        aside = chosen.data_dir / time.strftime("before-restore-%Y-%m-%dT%H%M%SZ", time.gmtime())
        aside.mkdir(mode=0o700)
        for each in in_the_way:
            each.rename(aside / each.name)
    if chosen.secret_key is None:
        (folder / archive.SECRET_KEY).rename(chosen.data_dir / settings.KEPT_KEY)
    configuration = chosen.data_dir / archive.CONFIGURATION
    if (folder / archive.CONFIGURATION).exists() and not configuration.exists():
        (folder / archive.CONFIGURATION).rename(configuration)
    archive.sync_folder(chosen.data_dir)
    if not chosen.uses_postgres:
        (folder / archive.DATABASES["sqlite"]).rename(chosen.sqlite_path)
        archive.sync_folder(chosen.data_dir)
