"""Stagewise's real processes under test: started on free ports, waited for, watched, and surely ended."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.postgres import free_port
from tests.support.shared import ROOT

#: The command, as the tests start it.
STAGEWISE = (sys.executable, "-m", "stagewise")
#: What was killed has ended by then, in seconds.
_KILLED_S = 5.0


class Answer(NamedTuple):
    """A response: status, headers with lower-case names (the last of several), body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


def request(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 15,
) -> Answer:
    """One request to 127.0.0.1 over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
    finally:
        connection.close()


class Process:
    """One ``python -m stagewise …`` with all that it starts, in a session of its own; or another ``command``.

    ``output`` is what it has written so far (both streams). ``end()`` is safe to call twice.
    """

    def __init__(
        self, arguments: list[str], environment: dict[str, str], log: Path, command: Sequence[str] = STAGEWISE
    ) -> None:
        self.arguments = arguments
        self.log = log
        with log.open("ab") as stream:
            self.popen = subprocess.Popen(
                [*command, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self.popen.pid

    @property
    def output(self) -> str:
        """Everything written so far."""
        return self.log.read_text(errors="replace")

    @property
    def running(self) -> bool:
        """Whether the process that was started is still there; its children are another matter."""
        return self.popen.poll() is None

    def wait_for(self, port: int, path: str = "/readyz", timeout: float = 30) -> None:
        """Wait until the path answers 200 on that port; fail with the output when the process ends before."""
        deadline = time.monotonic() + timeout
        while not _answers(port, path):
            if not self.running or time.monotonic() > deadline:
                state = "is not ready" if self.running else f"ended with {self.popen.returncode}"
                raise AssertionError(f"stagewise {' '.join(self.arguments)} {state}:\n{self.output}")
            time.sleep(0.02)

    def wait_for_output(self, text: str, timeout: float = 30) -> None:
        """Wait until the text has been written."""
        deadline = time.monotonic() + timeout
        while text not in self.output:
            if time.monotonic() > deadline:
                raise AssertionError(f"{text!r} was not written:\n{self.output}")
            time.sleep(0.02)

    def wait(self, timeout: float = 15) -> int:
        """Wait for the end; return the exit code."""
        return self.popen.wait(timeout)

    def terminate(self, timeout: float = 15) -> int:
        """SIGTERM, as systemd does it; return the exit code."""
        self.popen.send_signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self) -> None:
        """``kill -9`` of this process alone."""
        self.popen.kill()
        self.popen.wait()

    def kill_all(self) -> None:
        """``kill -9`` of the process and everything it started, and wait until all have ended.

        One that is just syncing ends when the disk has answered, and holds its port until then.
        """
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.popen.wait()
        deadline = time.monotonic() + _KILLED_S
        while self.children() and time.monotonic() < deadline:
            time.sleep(0.01)

    def children(self) -> dict[int, str]:
        """Processes that it started, directly or not: pid → command line."""
        return {pid: command for pid, command in members(self.pid).items() if pid != self.pid}

    def end(self) -> None:
        """Leave nothing behind: ask, wait, then kill whatever is left of the session."""
        if self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.terminate()
        self.kill_all()


def members(session: int) -> dict[int, str]:
    """Living processes of a session: pid → command line."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            state, _parent, _group, its_session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its_session) == session and state != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ").strip()
    return found


def _answers(port: int, path: str) -> bool:
    try:
        return request(port, "GET", path, timeout=5).status == 200
    except (OSError, http.client.HTTPException):
        return False


__all__ = ["STAGEWISE", "Answer", "Process", "free_port", "members", "request"]
