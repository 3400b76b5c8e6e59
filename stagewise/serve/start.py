"""The order in which an installation comes up: directory, lock, ports, database, children, and a word to the user."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time

import msgspec

from stagewise import filesystems, ports, settings, sqlite_library
from stagewise.serve import alone, announce, state
from stagewise.serve.supervisor import Child, Supervisor
from stagewise.settings import Settings

#: The other processes start when the lane is ready, or after this many seconds.
LANE_ALONE_S = 3.0
#: How far console and worker step back for the lane when processors are short: people at their desks wait a little
#: longer, so that no visitor does.
_AFTER_LEADS = 10


class Plan(msgspec.Struct, frozen=True):
    """Where to listen, and how many processes share the public port."""

    host: str = "127.0.0.1"
    port: int = 8000
    console_port: int = 8001
    workers: int = 1


def run(chosen: Settings, plan: Plan) -> int:
    """Serve until a signal; returns the exit code.

    No port is opened before database, workspace and endpoint exist. Raises :class:`settings.SettingsError` for
    whatever of the surroundings makes a start impossible.
    """
    settings.prepare_data_dir(chosen)
    plan = _checked(chosen, plan)
    lock = alone.lock_data_dir(chosen)
    ports.check(plan.host, plan.port, "--port")
    ports.check(plan.host, plan.console_port, "--console-port")
    base = "http://" + _shown(plan.host)
    settings.record_listening(chosen, f"{base}:{plan.port}", f"{base}:{plan.console_port}")
    chosen = settings.load()
    supervisor = Supervisor([_intake(plan)], settings.environment(chosen), lock)
    with supervisor.signals():
        found = state.look(chosen)
        preparation = None
        if not found.current:
            preparation = Preparation(chosen)
            while not preparation.done():
                if supervisor.stopping:
                    preparation.stop()
                    return 0
                supervisor.wait(0.05)
            if preparation.failed:
                return 2
        rise = _Rise(chosen, plan, supervisor, preparation, link_wanted=not found.has_member)
        try:
            return supervisor.run(rise)
        finally:
            rise.stop()


def _checked(chosen: Settings, plan: Plan) -> Plan:
    """Refuse a place where SQLite would lose data, and keep an unsafe SQLite to one writing process of the lane."""
    if chosen.uses_postgres:
        return plan
    filesystems.refuse_network(chosen)
    if plan.workers > 1 and not sqlite_library.is_safe():
        version = ".".join(map(str, sqlite_library.version()))
        sys.stderr.write(f"stagewise: SQLite {version} has the WAL-reset bug: using one intake process\n")
        return msgspec.structs.replace(plan, workers=1)
    return plan


class Preparation:
    """``stagewise migrate`` in a process of its own, so that the supervisor never carries Django."""

    def __init__(self, chosen: Settings) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "stagewise", "migrate", "--renew-link", "--json", "--parent", str(os.getpid())],
            env=settings.environment(chosen),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        self.setup_url: str | None = None

    def done(self) -> bool:
        """Whether it has ended; its one line of output fits into the pipe."""
        if self._process.poll() is None:
            return False
        if self._process.stdout is not None and not self._process.stdout.closed:
            with self._process.stdout as output:
                text = output.read()
            if not self.failed:
                self.setup_url = json.loads(text)["setup_url"]
        return True

    @property
    def failed(self) -> bool:
        """Whether it could not do it; it has said why on stderr."""
        return self._process.returncode != 0

    def stop(self) -> None:
        """End it early: a migration is a transaction, nothing is left half done."""
        self._process.terminate()
        self._process.wait()
        self.done()


class _Rise:
    """Called by the supervisor while it runs: starts the rest once the lane takes leads, and then says hello.

    The lane comes first, alone: whoever restarts us waits for that.
    """

    def __init__(
        self,
        chosen: Settings,
        plan: Plan,
        supervisor: Supervisor,
        preparation: Preparation | None,
        *,
        link_wanted: bool,
    ) -> None:
        self._chosen = chosen
        self._plan = plan
        self._supervisor = supervisor
        self._preparation = preparation
        self._link_wanted = link_wanted
        self._lane_until = time.monotonic() + LANE_ALONE_S
        self._step = self._wait_for_lane

    def __call__(self) -> None:
        self._step()

    def stop(self) -> None:
        """Leave nothing running that the supervisor does not know of."""
        if self._preparation is not None and not self._preparation.done():
            self._preparation.stop()

    def _wait_for_lane(self) -> None:
        if time.monotonic() < self._lane_until and not _is_ready(self._plan.host, self._plan.port):
            return
        self._supervisor.add([_console(self._plan), Child("worker", ["worker"], nice=_AFTER_LEADS)])
        if self._link_wanted and self._preparation is None:
            self._preparation = Preparation(self._chosen)
        self._step = self._wait_for_all

    def _wait_for_all(self) -> None:
        if self._preparation is not None and not self._preparation.done():
            return
        if all(_is_ready(self._plan.host, port) for port in (self._plan.console_port, self._plan.port)):
            setup_url = self._preparation.setup_url if self._preparation else None
            announce.say(self._chosen, state.look(self._chosen), setup_url)
            self._step = _nothing_more


def _nothing_more() -> None:
    """All has been said."""


def _intake(plan: Plan) -> Child:
    options = ["--host", plan.host, "--port", str(plan.port), "--workers", str(plan.workers)]
    return Child("intake", ["intake", *options])


def _console(plan: Plan) -> Child:
    arguments = ["console", "--host", plan.host, "--port", str(plan.console_port)]
    return Child("console", arguments, nice=_AFTER_LEADS)


def _shown(host: str) -> str:
    """The host as this machine's own browser reaches it."""
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104 (compared, not bound)
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _is_ready(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(_shown(host).strip("[]"), port, timeout=1)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
