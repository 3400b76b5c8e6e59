"""Runs a load tool as a process of its own and reads its figures."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Protocol

import msgspec

from bench.figures import Load
from bench.load import DRAIN_SECONDS

ROOT = Path(__file__).resolve().parent.parent


class Tool(Protocol):
    """Loads a URL. The tag makes names and addresses of mail new with every run; ``wanted`` is the status to count.

    ``origin`` is sent as that header; ``host`` ends every address of mail.
    """

    def __call__(
        self, url: str, tag: str, seconds: int, connections: int, wanted: int = 201, *,
        origin: str = "", host: str = "@example.com",
    ) -> Load:  # fmt: skip
        """The figures."""


def choose(name: str) -> tuple[str, Tool]:
    """The tool of that name, ``wrk`` or ``python``; ``auto`` takes wrk where it is installed."""
    if name == "auto":
        name = "wrk" if shutil.which("wrk") else "python"
    return name, {"wrk": wrk, "python": ours}[name]


def wrk(
    url: str, tag: str, seconds: int, connections: int, wanted: int = 201, *,
    origin: str = "", host: str = "@example.com",
) -> Load:  # fmt: skip
    """Run wrk with ``wrk.lua``: one thread, which needs half a core for the fastest endpoint here."""
    command = ["wrk", "-t", "1", "-c", str(connections), "-d", f"{seconds + DRAIN_SECONDS}s"]
    command += ["--timeout", f"{DRAIN_SECONDS}s", "-s", str(ROOT / "bench" / "wrk.lua")]
    command += ["-H", f"Origin: {origin}"] if origin else []
    command += [url, "--", tag, str(seconds), str(connections), str(wanted), host]
    said = []
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            for line in process.stderr:
                if line == "drained\n":
                    process.send_signal(signal.SIGINT)
                else:
                    said.append(line)
        except BaseException:
            process.kill()
            raise
    return _figures("wrk", said)


def ours(
    url: str, tag: str, seconds: int, connections: int, wanted: int = 201, *,
    origin: str = "", host: str = "@example.com",
) -> Load:  # fmt: skip
    """The tool of our own, ``bench/load.py``."""
    command = [sys.executable, "-m", "bench.load", url, tag, str(seconds), str(connections), str(wanted), host, origin]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    return _figures("bench.load", done.stdout.splitlines(keepends=True))


def _figures(tool: str, said: list[str]) -> Load:
    try:
        return msgspec.json.decode(said[-1], type=Load)
    except (IndexError, msgspec.DecodeError):
        raise RuntimeError(f"{tool} gave no figures:\n{''.join(said)}") from None
