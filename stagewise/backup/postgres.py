"""The database of an installation on PostgreSQL, written by ``pg_dump`` and read back by ``pg_restore``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from stagewise import settings
from stagewise.backup.archive import BackupError

#: Debian keeps every version's programs here, and its own ``pg_dump`` on the PATH chooses among them.
_PROGRAMS = Path("/usr/lib/postgresql")
_CONNECT_S = 10
_FIRST_TABLE = "SELECT min(tablename) FROM pg_tables WHERE schemaname = ANY(current_schemas(false))"


class Dumped(NamedTuple):
    """What the dump holds, read by the same snapshot."""

    schema: int
    fingerprint: str
    counts: dict[str, int]
    #: App and name of every migration that was applied.
    migrations: list[tuple[str, str]]


def dump(url: str, target: Path, counted: tuple[str, ...]) -> Dumped:
    """Write the database of one moment, while leads come in, and read all of it again.

    Raises :class:`BackupError`; ``counted`` are the tables whose rows are counted.
    """
    program = _program("pg_dump")
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_S) as connection:
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            snapshot = _one(connection, "SELECT pg_export_snapshot()")
            if _one(connection, "SELECT to_regclass('installation')") is None:
                raise BackupError("there is no installation in that database: set STAGEWISE_DATABASE_URL")
            _run([program, "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                  f"--file={target}"], url)  # fmt: skip
            counts = {table: _one(connection, f"SELECT count(*) FROM {table}") for table in counted}  # noqa: S608 - constants
            found = connection.execute("SELECT schema_version, key_fingerprint FROM installation").fetchone()
            migrations = connection.execute("SELECT app, name FROM django_migrations").fetchall()
    except psycopg.Error as error:
        raise BackupError(f"the database cannot be read: {_line(str(error))}") from None
    assert found is not None
    _run([_program("pg_restore"), f"--file={os.devnull}", str(target)], url)
    return Dumped(found[0], found[1], counts, migrations)


def refuse_unless_empty(url: str) -> None:
    """Raise :class:`BackupError` if the database holds tables already, or cannot be reached."""
    try:
        with psycopg.connect(url, connect_timeout=_CONNECT_S) as connection:
            name = _one(connection, "SELECT current_database()")
            there = _one(connection, _FIRST_TABLE)
    except psycopg.Error as error:
        raise BackupError(f"the database cannot be reached: {_line(str(error))}") from None
    if there is not None:
        raise BackupError(
            f"the database {name} has tables already ({there}, for one): make an empty one with createdb, and let"
            " STAGEWISE_DATABASE_URL name it"
        )


def put_back(url: str, dumped: Path, paused_at: int, why: str) -> None:
    """Restore into an empty database and pause the channels, in one transaction. Raises :class:`BackupError`.

    ``paused_at`` is in milliseconds since 1970. Nobody ever sees a channel that could send.
    """
    script = dumped.with_suffix(".sql")
    # A comment on an extension may be made by its owner alone, who need not be the one that restores.
    _run(
        [_program("pg_restore"), "--no-owner", "--no-privileges", "--no-comments", f"--file={script}", str(dumped)], url
    )
    pause = f"UPDATE channel SET paused_at = {paused_at:d}, paused_because = '{why}' WHERE paused_at IS NULL"  # noqa: S608 - ours
    # A dump's script empties the path on which tables are found.
    pause = f"RESET search_path; {pause}"
    _run([_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--single-transaction",
          f"--file={script}", f"--command={pause}"], url)  # fmt: skip


def _program(name: str) -> str:
    """Where it is; the newest, if there are several, since it reads all older servers."""
    found = shutil.which(name)
    if found is not None:
        return found
    versions = sorted(_PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if not versions:
        raise BackupError(f"{name} is not installed: install PostgreSQL's client programs (postgresql-client)")
    return str(versions[-1])


def _run(command: list[str], url: str) -> None:
    done = subprocess.run(command, env=_environment(url), stdin=subprocess.DEVNULL, capture_output=True, check=False)
    if done.returncode:
        said = _line(done.stderr.decode(errors="replace"))
        raise BackupError(f"{Path(command[0]).name} failed: {said or f'exit code {done.returncode}'}")


def _environment(url: str) -> dict[str, str]:
    """The connection in the variables of libpq: an argument with a password in it would be in the process list."""
    inherited = {name: value for name, value in settings.environment_of_others().items() if not name.startswith("PG")}
    options = psycopg.pq.Conninfo.parse(url.encode())
    ours = {each.envvar.decode(): each.val.decode() for each in options if each.envvar and each.val is not None}
    return inherited | {"LC_ALL": "C"} | ours


def _one(connection: psycopg.Connection[tuple[Any, ...]], statement: str) -> Any:
    row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return row[0]


def _line(text: str) -> str:
    """The first line that says what went wrong; PostgreSQL's programs explain further below it."""
    lines = [re.sub(r"^\w+: (error|detail): ", "", line) for line in text.splitlines() if line.strip()]
    return " ".join(lines[:2])
