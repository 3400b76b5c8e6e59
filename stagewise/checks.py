"""``stagewise check``: whether this installation can keep its promises, in one list."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec

from stagewise import filesystems, health, settings, sqlite_library
from stagewise.settings import Settings
from stagewise.store.schema import SchemaError
from stagewise.store.session import StoreError

if TYPE_CHECKING:
    import psycopg

#: Below the first we warn, below the second it is a problem; in bytes.
ENOUGH_SPACE = 1024**3
TOO_LITTLE_SPACE = 100 * 1024**2
#: Advisory locks that one lane process may hold at once: two for each submission of a batch.
LOCKS_PER_PROCESS = 512


class Finding(msgspec.Struct, frozen=True):
    """One line of the list: what was looked at, how it is, and what to do about it."""

    name: str
    state: Literal["ok", "warning", "problem"]
    text: str


def examine(chosen: Settings, processes: int) -> Iterator[Finding]:
    """Look at everything, changing nothing. ``processes``: lane processes on all nodes together."""
    if not chosen.data_dir.is_dir():
        yield Finding("data directory", "problem", f"{chosen.data_dir} does not exist: run `stagewise serve`")
        return
    yield from _data_dir(chosen)
    if chosen.uses_postgres:
        yield from _postgres(chosen, processes)
    else:
        yield _sqlite()
    yield _database(chosen)
    yield _proxies(chosen)
    yield from _urls(chosen)


def _data_dir(chosen: Settings) -> Iterator[Finding]:
    where = chosen.data_dir
    try:
        settings.prepare_data_dir(chosen)
    except settings.SettingsError as error:
        yield Finding("data directory", "problem", str(error))
        return
    yield Finding("data directory", "ok", f"{where} can be written")
    free = shutil.disk_usage(where).free
    state: Literal["ok", "warning", "problem"] = (
        "problem" if free < TOO_LITTLE_SPACE else "warning" if free < ENOUGH_SPACE else "ok"
    )
    yield Finding("disk space", state, f"{free // 1024**2} MiB free below {where}")
    if not chosen.uses_postgres:
        yield file_system(chosen)


def file_system(chosen: Settings, mountinfo: str | None = None) -> Finding:
    """Whether SQLite may live where the data directory is."""
    kind = filesystems.kind_of(chosen.data_dir, mountinfo)
    if filesystems.is_network(kind):
        return Finding("file system", "problem", filesystems.refusal(chosen.data_dir, kind))
    if fleeting := filesystems.warning(kind):
        return Finding("file system", "warning", fleeting)
    return Finding("file system", "ok", kind or "unknown")


def _sqlite() -> Finding:
    version = ".".join(map(str, sqlite_library.version()))
    if sqlite_library.is_safe():
        return Finding("sqlite", "ok", version)
    needed = ".".join(map(str, sqlite_library.SAFE_VERSION))
    return Finding(
        "sqlite", "warning", f"{version} has the WAL-reset bug: install pysqlite3, or a Python with SQLite {needed}"
    )


def _database(chosen: Settings) -> Finding:
    if not chosen.uses_postgres and not chosen.sqlite_path.exists():
        return Finding("database", "problem", f"there is none in {chosen.data_dir}: run `stagewise serve`")
    if not settings.has_secret_key(chosen):
        return Finding("database", "problem", "there is no secret key: set STAGEWISE_SECRET_KEY as on other machines")
    try:
        key = settings.secret_key(chosen)
        health.check_database(chosen, key)
    except (SchemaError, StoreError, settings.SettingsError) as error:
        return Finding("database", "problem", str(error))
    with contextlib.closing(health.session_of(chosen)) as session:
        try:
            session.ping(write=True)
        except StoreError as error:
            return Finding("database", "problem", f"cannot be written: {error}")
    return Finding("database", "ok", "reachable, writable, of this release's schema and of this secret key")


def _postgres(chosen: Settings, processes: int) -> Iterator[Finding]:
    import psycopg

    assert chosen.database_url is not None
    try:
        with psycopg.connect(chosen.database_url, connect_timeout=5, autocommit=True) as connection:
            yield from _durability(connection)
            yield _standbys(connection)
            yield _locks(connection, processes)
            yield _search(connection)
    except psycopg.Error as error:
        yield Finding("postgresql", "problem", f"cannot be reached: {' '.join(str(error).split())}")


def _durability(connection: psycopg.Connection[Any]) -> Iterator[Finding]:
    for name, good in (("fsync", {"on"}), ("full_page_writes", {"on"}), ("synchronous_commit", _SYNCED)):
        value = _setting(connection, name)
        if value in good:
            yield Finding(f"postgresql {name}", "ok", value)
        else:
            yield Finding(
                f"postgresql {name}", "problem", f"is {value}: a crash would lose leads that were answered with 201"
            )


#: Values with which COMMIT returns only after the log is on this server's disk.
_SYNCED = {"on", "local", "remote_write", "remote_apply"}


def _standbys(connection: psycopg.Connection[Any]) -> Finding:
    """Whether COMMIT waits for a standby, if there are any: one that it does not wait for lacks the last leads."""
    name = "postgresql standbys"
    row = connection.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    assert row is not None
    connected, awaited = int(row[0]), _setting(connection, "synchronous_standby_names")
    if awaited and not connected:
        text = f"synchronous_standby_names is {awaited}, but no standby is connected: COMMIT waits, leads get 503"
        return Finding(name, "problem", text)
    if connected and not awaited:
        text = "a failover would lose the latest leads: set synchronous_standby_names, or Patroni's synchronous_mode"
        return Finding(name, "warning", f"COMMIT waits for none of {connected}, so {text}")
    return Finding(name, "ok", f"COMMIT waits for {awaited}" if awaited else "none")


def _locks(connection: psycopg.Connection[Any], processes: int) -> Finding:
    each, connections = (int(_setting(connection, n)) for n in ("max_locks_per_transaction", "max_connections"))
    room = each * connections // LOCKS_PER_PROCESS
    text = f"{each} times {connections} locks are enough for {room} intake processes"
    if processes <= room:
        return Finding("postgresql locks", "ok", text)
    needed = -(-processes * LOCKS_PER_PROCESS // connections)
    return Finding(
        "postgresql locks", "problem", f"{text}, not for {processes}: set max_locks_per_transaction to {needed}"
    )


def _search(connection: psycopg.Connection[Any]) -> Finding:
    """Whether texts are found by their index: the migration made none if the server lacks the extension."""
    row = connection.execute("SELECT to_regclass('lead_search') IS NULL OR to_regclass('lead_search_text') IS NOT NULL")
    if next(iter(row))[0]:
        return Finding("postgresql search", "ok", "by trigrams")
    return Finding(
        "postgresql search",
        "warning",
        "looks through every lead: install PostgreSQL's contrib modules and run"
        " CREATE EXTENSION pg_trgm; CREATE INDEX lead_search_text ON lead_search USING gin (text gin_trgm_ops);",
    )


def _setting(connection: psycopg.Connection[Any], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row is not None
    return str(row[0])


def _proxies(chosen: Settings) -> Finding:
    name = "trusted proxies"
    wide = [
        entry
        for entry in chosen.trusted_proxies
        if (network := ipaddress.ip_network(entry)).prefixlen < (8 if network.version == 4 else 16)
    ]
    if wide:
        return Finding(name, "warning", f"{', '.join(wide)} is very wide: whoever is in it can choose its address")
    if not chosen.trusted_proxies and chosen.public_url.startswith("https:"):
        text = "none, but the public URL is https: calls through a proxy will be refused until"
        return Finding(name, "warning", f"{text} STAGEWISE_TRUSTED_PROXIES names it")
    return Finding(name, "ok", ", ".join(chosen.trusted_proxies) or "none")


def _urls(chosen: Settings) -> Iterator[Finding]:
    for name, url in (("public URL", chosen.public_url), ("console URL", chosen.console_url)):
        parts = urlsplit(url)
        if parts.scheme == "https" or parts.hostname in {"127.0.0.1", "localhost", "::1"}:
            yield Finding(name, "ok", url)
        else:
            yield Finding(name, "warning", f"{url} is not encrypted: what people send can be read on the way")
