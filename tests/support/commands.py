"""Runs ``stagewise`` commands in a tenth of the time that Python takes to start and to import Django.

A process that has imported what every command imports forks for each one. The fork gets the command's own environment
and its own standard streams and calls the same ``main``, so it ends as a command of a shell would: exit code, output,
what goes wrong at exit. Nothing of ours that reads the environment is imported before the fork.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from tests.support import killing
from tests.support.shared import ROOT

#: No command takes longer, in seconds.
LONGEST_S = 60
#: What takes most of a start, and reads no settings when it is imported.
_AHEAD = (
    "asyncio",
    "click",
    "cryptography.fernet",
    "django.contrib.auth.hashers",
    "django.contrib.messages",
    "django.core.cache.backends.db",
    "django.core.mail",
    "django.core.management.commands.migrate",
    "django.db.backends.postgresql.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.http",
    "django.template.backends.django",
    "django.test",
    "django.urls",
    "django.utils.translation.trans_real",
    "email_validator",
    "msgspec",
    "phonenumbers",
    "prometheus_client",
    "psycopg.types.json",
    "stagewise.cli",
    "stagewise.cli.base",
    "stagewise.core.submission",
    "stagewise.store.connect",
)


class Commands:
    """Starts the process on first use; it ends with the process that started it. Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._server: subprocess.Popen[bytes] | None = None

    def run(self, arguments: list[str], environment: dict[str, str], stdin: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "0").write_text(stdin)
            wanted = {"arguments": arguments, "environment": environment, "folder": folder}
            with self._lock:
                code = self._ask(wanted)
            out, err = Path(folder, "1").read_text(), Path(folder, "2").read_text()
        if code == -signal.SIGALRM:
            raise subprocess.TimeoutExpired(["stagewise", *arguments], LONGEST_S, out.encode(), err.encode())
        return subprocess.CompletedProcess(["stagewise", *arguments], code, out, err)

    def _ask(self, wanted: dict[str, Any]) -> int:
        if self._server is None:
            command = [sys.executable, "-m", "tests.support.commands"]
            self._server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            atexit.register(self._server.communicate)
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._server.stdin.flush()
        return int(self._server.stdout.readline())


def _serve() -> list[str]:
    """Fork for every command that is asked for, and return its arguments in the fork."""
    for name in _AHEAD:
        import_module(name)
    asked, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    for line in asked:
        wanted = json.loads(line)
        pid = os.fork()
        if not pid:
            asked.close()
            os.close(answers)
            return _become(wanted)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    sys.exit()


def _become(wanted: dict[str, Any]) -> list[str]:
    """Take on the environment and the standard streams of the command."""
    os.environ.clear()
    os.environ.update(wanted["environment"])
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY | os.O_CREAT), (2, os.O_WRONLY | os.O_CREAT)):
        opened = os.open(f"{wanted['folder']}/{number}", mode)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - another stream of the same number
    signal.alarm(LONGEST_S)
    return list(wanted["arguments"])


def _main() -> NoReturn:
    from stagewise.cli import main

    sys.argv = ["stagewise", *_serve()]
    if at := os.environ.pop(killing.AT, ""):
        killing.arm(int(at))
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - as the interpreter does it
        traceback.print_exc()
    # As the interpreter ends, but for taking all modules apart, which takes longer than most commands.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    _main()
