"""Starts the servers that are measured, waits for them, and ends them with all that they started."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 15


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of 127.0.0.1: a server left over would share it and spoil the figures."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def becomes_free(port: int) -> bool:
    """The same, once what was killed has gone: children of a server may take a moment."""
    deadline = time.monotonic() + STOP_SECONDS
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Server:
    """One server in a session of its own. ``end()`` is safe to call twice."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, port: int) -> None:
        """Wait until the port takes connections; raise ``RuntimeError`` with what the server said otherwise."""
        deadline = time.monotonic() + START_SECONDS
        while is_free(port):
            if self._popen.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def end(self) -> None:
        """SIGTERM, time to finish, then SIGKILL for whatever of its session is left."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        self._popen.wait()
