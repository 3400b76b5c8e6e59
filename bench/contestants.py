"""The endpoints that are measured, but for Directus (bench/directus.py). Each run starts with a fresh database."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from pathlib import Path

from bench.figures import Rows, rows_of
from bench.process import Server
from bench.tools import ROOT
from tests.support import installation as installations

#: Granian as stagewise/intake/server.py starts it with one worker.
GRANIAN = [
    "--interface", "asgi", "--http", "1", "--no-ws", "--workers", "1", "--loop", "uvloop",
    "--http1-header-read-timeout", "10000", "--http1-buffer-size", "32768",
    "--backlog", "2560", "--backpressure", "2560",
    "--respawn-failed-workers", "--workers-kill-timeout", "8", "--no-log",
]  # fmt: skip

#: How long the worker may take to empty the outbox of one run.
DRAIN_SECONDS = 120


class Contestant(ABC):
    """One endpoint: ``start``, load on ``path``, ``stop``, ``rows``, ``drain``, ``remove``, and again."""

    title: str
    path = "/leads"
    #: The status of an answer to a lead that was stored.
    created = 201

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    @abstractmethod
    def start(self) -> None:
        """Make a fresh database and start the server on the port; return when it answers."""

    @abstractmethod
    def stop(self) -> None:
        """Stop the server; safe to call when it does not run. Its port is free afterwards."""

    def rows(self) -> Rows | None:
        """What is stored; called after :meth:`stop`. ``None``: this one stores nothing."""
        return None

    def drain(self) -> str:
        """Empty the outbox, now that nothing is timed; return what went wrong, or nothing."""
        return ""

    @abstractmethod
    def remove(self) -> None:
        """Stop the server if it runs, and remove the database; safe to call at any time."""


class Echo(Contestant):
    """(a) What the server costs without us."""

    title = "does nothing but decode the JSON, Granian"

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        self._server: Server | None = None

    def start(self) -> None:
        """Granian with the same options as our lane."""
        command = [sys.executable, "-m", "granian", *GRANIAN, "--host", "127.0.0.1", "--port", str(self.port)]
        log = self.folder / "echo.log"
        self._server = Server([*command, "bench.peers.echo:app"], ROOT, dict(os.environ), log)
        self._server.wait_for(self.port)

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.end()

    def remove(self) -> None:
        """End it; it has nothing to remove."""
        self.stop()


class Ours(Contestant):
    """(b) and (c): Stagewise with one intake process, all IPs allowed, no limit, nothing left out."""

    def __init__(self, folder: Path, port: int, engine: str) -> None:
        super().__init__(folder, port)
        self.engine = engine
        self.title = f"Stagewise on {'SQLite' if engine == 'sqlite' else 'PostgreSQL'}"
        self._installation: installations.Installation | None = None
        self._intake: installations.Server | None = None
        self._made = 0

    def start(self) -> None:
        """A copy of a fresh installation, and ``stagewise intake`` on it."""
        self._made += 1
        made = installations.make(self.folder / f"{self.engine}-{self._made}", self.engine)
        self._installation = made
        made.set_endpoint(allow_all_ips=True, allowed_origins=[], max_leads_per_ip=None)
        self.path = f"/public/v1/leads/{made.key}"
        self._intake = made.intake(workers=1, port=self.port)

    def stop(self) -> None:
        """End the lane; what it still had to write is written then."""
        if self._intake is not None:
            self._intake.end()

    @property
    def master(self) -> int:
        """Process id of ``stagewise intake``, which leads a session of its own."""
        assert self._intake is not None
        return self._intake.pid

    def rows(self) -> Rows:
        """The rows of every table in which a created lead leaves one."""
        made = self._installation
        assert made is not None
        counted = made.sql("SELECT coalesce(sum(count), 0) FROM attempt_counter WHERE outcome = 'created'")[0][0]
        return Rows(
            leads=made.count("lead"),
            emails=int(made.sql("SELECT count(DISTINCT email) FROM lead")[0][0]),
            hits=made.count("hit"),
            attempts=made.count("attempt", "outcome = ? AND lead_id IS NOT NULL", "created"),
            counted=int(counted),
            events=made.count("event"),
        )

    def drain(self) -> str:
        """Let ``stagewise worker`` do it."""
        made = self._installation
        assert made is not None
        worker = made.start("worker")
        deadline = time.monotonic() + DRAIN_SECONDS
        while left := made.count("event", "dispatched_at IS NULL"):
            if not worker.running:
                return f"the worker ended: {worker.output[-500:]}"
            if time.monotonic() > deadline:
                return f"{left:,} events left in the outbox after {DRAIN_SECONDS} s"
            time.sleep(0.2)
        return ""

    def remove(self) -> None:
        """End what runs on the installation, and remove it."""
        made, self._installation = self._installation, None
        if made is not None:
            installations.remove(made)


class Ordinary(Contestant):
    """(d) FastAPI, SQLAlchemy, slowapi on uvicorn, SQLite in WAL mode with every commit synced."""

    title = "FastAPI, SQLAlchemy, slowapi on SQLite"

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, port)
        self._database = folder / "ordinary.sqlite3"
        self._server: Server | None = None

    def start(self) -> None:
        """Uvicorn with one worker, its usual options, no access log."""
        self.remove()
        command = [str(bench_python()), "-m", "uvicorn", "--app-dir", "bench/peers", "--port", str(self.port)]
        # The keep-alive outlasts the wait for the slowest answer at the end of a run.
        command += ["--timeout-keep-alive", "60", "--log-level", "warning", "--no-access-log", "ordinary:app"]
        environment = {**os.environ, "BENCH_DATABASE": str(self._database)}
        self._server = Server(command, ROOT, environment, self.folder / "ordinary.log")
        self._server.wait_for(self.port)

    def stop(self) -> None:
        """End it."""
        if self._server is not None:
            self._server.end()

    def rows(self) -> Rows:
        """Its leads."""
        return rows_of(self._database, "lead")

    def remove(self) -> None:
        """End it, and remove its database."""
        self.stop()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self._database}{suffix}").unlink(missing_ok=True)


def bench_python() -> Path:
    """The interpreter of the environment with requirements/bench.txt, made or made anew when that file changed."""
    folder = ROOT / ".cache" / "bench-venv"
    wanted = ROOT / "requirements" / "bench.txt"
    stamp = folder / "installed"
    digest = hashlib.sha256(wanted.read_bytes()).hexdigest()
    python = folder / "bin" / "python"
    if not stamp.exists() or stamp.read_text() != digest:
        print("Installing the ordinary endpoint's libraries into .cache/bench-venv …", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        quiet = ["-q", "--disable-pip-version-check"]
        subprocess.run([python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", wanted], check=True)
        stamp.write_text(digest)
    return python


def make(letter: str, folder: Path, port: int) -> Contestant:
    """The contestant of that letter."""
    match letter:
        case "a":
            return Echo(folder, port)
        case "b":
            return Ours(folder, port, "sqlite")
        case "c":
            return Ours(folder, port, "postgres")
        case "d":
            return Ordinary(folder, port)
        case "e":
            from bench.directus import Directus  # which is one of these

            return Directus(folder, port)
    raise ValueError(f"there is no contestant {letter!r}")
