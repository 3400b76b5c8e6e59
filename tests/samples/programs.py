"""Starts the samples as a developer would: the file alone in a folder, its command line, the URL in the environment."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import pytest

from stagewise import samples
from tests.support.processes import Answer, free_port, request

#: Where a sample needs a program that may be missing: what to install.
NEEDED = {"php": "php-cli", "node": "nodejs", "curl": "curl", "sh": "dash"}


def needed(program: str) -> str:
    """The path of a program; the test fails where it is missing, because a sample that nobody ran may be broken."""
    found = shutil.which(program)
    if found is None:
        pytest.fail(f"{program} is not installed, so its sample cannot be tried: run `.ci/apt {NEEDED[program]}`")
    return found


def command(name: str, file: str, port: int) -> list[str]:
    """The command line of ``Sample.run`` for this port."""
    module = Path(file).stem
    match name:
        case "php":
            return [needed("php"), "-S", f"127.0.0.1:{port}", file]
        case "node":
            return [needed("node"), file]
        case "flask" | "flask-relay":
            return [sys.executable, "-m", "flask", "--app", module, "run", "--port", str(port)]
        case "django" | "django-relay":
            return [sys.executable, file, "runserver", "--noreload", str(port)]
    return [sys.executable, "-m", "granian", "--interface", "asgi", "--port", str(port), f"{module}:app"]


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without what belongs to the tests."""
    ours = ("STAGEWISE_", "DJANGO_", "LEADS_", "PYTEST")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)} | settings


class Program:
    """A running sample, in a folder of its own."""

    def __init__(self, name: str, folder: Path, url: str) -> None:
        sample = samples.named(name)
        folder.mkdir(exist_ok=True)
        (folder / sample.file_name).write_text(sample.text, encoding="utf-8")
        self.port = free_port()
        self.log = folder / "output.log"
        settings = {samples.VARIABLE: url} if url else {}
        with self.log.open("ab") as stream:
            self.popen = subprocess.Popen(
                command(name, sample.file_name, self.port),
                cwd=folder,
                env=environment(PORT=str(self.port), PYTHONUNBUFFERED="1", **settings),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has written so far: what the developer reads."""
        return self.log.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        """Return when it answers; fail with its output when it has ended."""
        deadline = time.monotonic() + 30
        while True:
            try:
                request(self.port, "GET", "/", timeout=5)
            except (OSError, http.client.HTTPException):
                if self.popen.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"the sample does not answer:\n{self.output}") from None
                time.sleep(0.05)
            else:
                return

    def submit(self, fields: dict[str, str], **headers: str) -> Answer:
        """Post the form as a browser does."""
        return self.submit_bytes(urlencode(fields).encode(), **headers)

    def submit_bytes(self, body: bytes, **headers: str) -> Answer:
        """Post anything as if it were the form."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return request(self.port, "POST", "/contact", body, sent, timeout=40)

    def end(self) -> None:
        """End it and what it started."""
        if self.popen.poll() is None:
            os.killpg(self.popen.pid, signal.SIGTERM)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
