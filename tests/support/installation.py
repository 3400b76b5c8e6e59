"""A whole Stagewise installation for one test: data directory, database, workspace, lead types, endpoint.

Made in milliseconds as a copy of one that ``stagewise migrate`` made once per test run. Ask for it with the fixture
``installation``, which gives it on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from stagewise.core.versions import new_version
from tests.support import killing, postgres, shared
from tests.support.commands import Commands
from tests.support.processes import STAGEWISE, Answer, Process, free_port, request

#: Every installation of the tests has this secret key.
SECRET_KEY = "for-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz"

#: The rules of the endpoint that an installation begins with.
NEW_RULES: dict[str, Any] = {
    "enabled": True, "allow_all_ips": False, "allowed_ips": ["127.0.0.1", "::1"], "allowed_origins": [],
    "max_leads_per_ip": 10, "forwarding": False, "server_ceiling": 2000, "over_limit": "refuse", "captcha": {},
    "holding": {}, "form": {},
}  # fmt: skip
#: What the lane writes to; nothing refers to a table that stands before it.
LANE_TABLES = (
    "acknowledgement", "attempt", "attempt_counter", "attempt_summary", "bound_key", "captcha_pass", "event", "hit",
    "held_lead", "lane_minute", "lead_attribution", "lead_repeat", "seen_message", "unknown_call", "lead",
)  # fmt: skip

LEAD = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com", "message": "Hello"}


class Server(Process):
    """A running ``stagewise intake`` or ``stagewise serve``."""

    def __init__(
        self,
        installation: Installation,
        arguments: list[str],
        port: int,
        settings: dict[str, str],
        command: Sequence[str] = STAGEWISE,
    ) -> None:
        self.installation = installation
        self.port = port
        self.console_port = 0
        super().__init__(arguments, installation.environment(**settings), installation.new_log(arguments[0]), command)

    def post(
        self, body: bytes, headers: dict[str, str] | None = None, key: str | None = None, timeout: float = 15
    ) -> Answer:
        """Post bytes as ``application/json`` to the installation's first endpoint, or the one with this key."""
        path = f"/public/v1/leads/{key or self.installation.key}"
        return request(self.port, "POST", path, body, {"Content-Type": "application/json", **(headers or {})}, timeout)

    def post_lead(self, headers: dict[str, str] | None = None, **fields: Any) -> Answer:
        """Post a good lead; ``fields`` replace or add some of its own.

        Without an Idempotency-Key its message is new, so that it is no repeat of another.
        """
        if "Idempotency-Key" not in (headers or {}):
            fields = {"message": f"Message {next(_MESSAGES)}", **fields}
        return self.post(json.dumps({**LEAD, **fields}).encode(), headers)


_MESSAGES = itertools.count(1)
_commands = Commands()


class Installation:
    """See the module. ``database_url`` is ``None`` on SQLite; ``data_dir`` is this node's own in either case.

    ``secret_key=""`` leaves it to Stagewise to make one.
    """

    def __init__(self, data_dir: Path, database_url: str | None, secret_key: str = SECRET_KEY) -> None:
        self.data_dir = data_dir
        self.database_url = database_url
        self.secret_key = secret_key
        self.processes: list[Process] = []
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key: str | None = None

    # Settings and commands

    @property
    def engine(self) -> str:
        """``sqlite`` or ``postgres``."""
        return "postgres" if self.database_url else "sqlite"

    def environment(self, **settings: str) -> dict[str, str]:
        """The environment for a process of this node; ``settings`` as ``trusted_proxies="10.0.0.0/8"``."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("STAGEWISE_")}
        ours = {"data_dir": str(self.data_dir), "database_url": self.database_url or "", "secret_key": self.secret_key}
        named = {f"STAGEWISE_{name.upper()}": value for name, value in {**ours, **settings}.items() if value}
        return inherited | named

    def stagewise(
        self, *arguments: str, stdin: str = "", check: bool = True, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        """Run one ``stagewise`` command to its end; with ``check`` it must exit with 0."""
        done = _commands.run(list(arguments), self.environment(**settings), stdin)
        if check and done.returncode:
            raise AssertionError(f"stagewise {' '.join(arguments)} exited with {done.returncode}: {done.stderr}")
        return done

    def killed_at(self, number: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command that dies at this statement of SQL, if it comes to it: see tests/support/killing.py."""
        return _commands.run(list(arguments), {**self.environment(), killing.AT: str(number)}, "")

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with ``--json`` and decode what it prints."""
        return json.loads(self.stagewise(*arguments, "--json", stdin=stdin).stdout)

    def each(self, commands: Sequence[Sequence[str]], stdin: str = "") -> list[subprocess.CompletedProcess[str]]:
        """Run several commands one by one, whether or not they succeed; each gets the same standard input."""
        return [self.stagewise(*each, stdin=stdin, check=False) for each in commands]

    def helper(self, name: str) -> str:
        """Run a module of tests/support with Django in this installation; what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", f"tests.support.{name}"],
            cwd=shared.ROOT,
            env={**self.environment(), "DJANGO_SETTINGS_MODULE": "stagewise.site.settings"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    # The endpoint

    @property
    def key(self) -> str:
        """The current key of the first endpoint, as it was when first asked for."""
        if self._key is None:
            self._key = str(self.sql("SELECT key FROM endpoint_key WHERE retires_at IS NULL ORDER BY id")[0][0])
        return self._key

    def set_endpoint(self, name: str = "My website", **rules: bool | int | str | list[str] | None) -> Any:
        """Change rules with ``stagewise endpoint set``; returns the endpoint as that command prints it.

        Rules are named as there: ``enabled=True``, ``allow_all_ips=True``, ``allowed_ips=["10.0.0.0/8"]``,
        ``allowed_origins=[…]``, ``max_leads_per_ip=5`` or ``None``.
        """
        options: list[str] = []
        for rule, value in rules.items():
            options += [f"--{rule.replace('_', '-')}", _as_option(value)]
        return self.json("endpoint", "set", name, *options)

    def save_rules(
        self, name: str = "My website", **rules: bool | int | str | list[str] | dict[str, Any] | None
    ) -> None:
        """Change rules in the table itself, as a save in the console leaves it; quick, and checks nothing."""
        as_json = Jsonb if self.database_url else json.dumps
        values = [as_json(value) if isinstance(value, list | dict) else value for value in rules.values()]
        changes = ", ".join(f"{rule} = ?" for rule in (*rules, "version"))
        self.sql(f"UPDATE endpoint SET {changes} WHERE name = ?", *values, new_version(), name)

    def empty(self) -> None:
        """Make it as new for the next of several tests that share it: nothing from visitors, the rules of a start."""
        statements = "; ".join(f"DELETE FROM {table}" for table in LANE_TABLES)
        if self.database_url:
            postgres.execute(self.database_url, statements)
        else:
            with closing(self._sqlite()) as database:
                database.executescript(f"BEGIN IMMEDIATE; {statements}; COMMIT")
        self.save_rules(**NEW_RULES)

    # The database

    def sql(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement with ``?`` for its parameters, commit, and return the rows if it has any."""
        if self.database_url:
            with psycopg.connect(self.database_url, autocommit=True) as connection:
                cursor = connection.execute(statement.replace("?", "%s").encode(), parameters)
                return cursor.fetchall() if cursor.description else []
        with closing(self._sqlite()) as database:
            return database.execute(statement, parameters).fetchall()

    def _sqlite(self) -> sqlite3.Connection:
        return sqlite3.connect(self.data_dir / "stagewise.sqlite3", timeout=20, isolation_level=None)

    def count(self, table: str, where: str = "1 = 1", *parameters: Any) -> int:
        """How many rows of the table fulfil the condition."""
        return int(self.sql(f"SELECT count(*) FROM {table} WHERE {where}", *parameters)[0][0])

    # Processes

    def start(self, *arguments: str, **settings: str) -> Process:
        """Start any ``stagewise`` command and return at once; it ends with the test."""
        process = Process(list(arguments), self.environment(**settings), self.new_log(arguments[0]))
        self.processes.append(process)
        return process

    def intake(
        self,
        workers: int = 1,
        port: int | None = None,
        ready: bool = True,
        command: Sequence[str] = STAGEWISE,
        **settings: str,
    ) -> Server:
        """Start ``stagewise intake`` and wait until it is ready. ``command``: another program that takes its place."""
        port = port or free_port()
        server = Server(self, ["intake", "--port", str(port), "--workers", str(workers)], port, settings, command)
        self.processes.append(server)
        if ready:
            server.wait_for(port)
        return server

    @property
    def running_intake(self) -> Server:
        """The intake that runs already, else one that is started now."""
        running = (each for each in self.processes if isinstance(each, Server) and each.running)
        return next(running, None) or self.intake()

    def serve(self, workers: int = 1, ready: bool = True, **settings: str) -> Server:
        """Start ``stagewise serve`` and wait until lane and console are ready."""
        port, console_port = free_port(), free_port()
        arguments = ["serve", "--port", str(port), "--console-port", str(console_port), "--workers", str(workers)]
        server = Server(self, arguments, port, settings)
        server.console_port = console_port
        self.processes.append(server)
        if ready:
            server.wait_for(port)
            server.wait_for(console_port)
        return server

    def node(self, name: str) -> Installation:
        """Another node of the same installation: a data directory of its own, the same PostgreSQL database."""
        assert self.database_url, "only PostgreSQL serves several nodes"
        return Installation(self.data_dir.parent / name, self.database_url)

    def new_log(self, name: str) -> Path:
        """A file for the output of a process, beside the data directory."""
        return self.data_dir.parent / f"{self.data_dir.name}-{name}-{uuid.uuid4().hex[:8]}.log"

    def close(self) -> None:
        """End what was started here."""
        for process in reversed(self.processes):
            process.end()


def _as_option(value: bool | int | str | list[str] | None) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case list():
            return ",".join(value)
    return str(value)


def make(data_dir: Path, engine: str) -> Installation:
    """A fresh installation in this (not yet existing) directory."""
    template = _template(engine)
    shutil.copytree(template.data_dir, data_dir, copy_function=shutil.copyfile)
    if engine == "sqlite":
        return Installation(data_dir, None)
    name = f"leads_{uuid.uuid4().hex[:12]}"
    postgres.execute(shared.cluster_url(), f'CREATE DATABASE "{name}" TEMPLATE template_leads')
    return Installation(data_dir, shared.cluster_url(name))


def remove(installation: Installation) -> None:
    """End its processes and give its space back."""
    installation.close()
    if installation.database_url:
        name = installation.database_url.rpartition("/")[2]
        postgres.execute(shared.cluster_url(), f'DROP DATABASE "{name}" WITH (FORCE)')
    shutil.rmtree(installation.data_dir, ignore_errors=True)


@contextmanager
def on_its_own(data_dir: Path) -> Iterator[tuple[postgres.Cluster, Installation]]:
    """A fresh installation in a PostgreSQL server of its own, which the test may stop and kill."""
    template = shared.folder() / "template-cluster"
    with shared.only_one(template.name):
        if not template.exists():
            with postgres.Cluster() as first:
                Installation(data_dir, first.create("leads")).stagewise("migrate")
                first.stop()
                first.copy_to(template)
    with postgres.Cluster(like=template) as cluster:
        installation = Installation(data_dir, cluster.url("leads"))
        yield cluster, installation
        installation.close()


def _template(engine: str) -> Installation:
    with shared.only_one(f"template-{engine}"):
        data_dir = shared.folder() / f"template-{engine}"
        url = shared.cluster_url("template_leads") if engine == "postgres" else None
        if data_dir.exists():
            return Installation(data_dir, url)
        if url:
            postgres.execute(shared.cluster_url(), "CREATE DATABASE template_leads")
        template = Installation(data_dir, url)
        template.stagewise("migrate")
        return template
