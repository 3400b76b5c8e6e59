"""Run many ``stagewise`` commands in one process, because starting Django once a command takes most of a second.

Reads a JSON array of {"arguments", "stdin"} and writes one of {"code", "stdout", "stderr"}. It calls the command's own
``main``, so exit codes and messages are what a shell would see.
"""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout

from stagewise.cli import main


def run(arguments: list[str], stdin: str) -> dict[str, object]:
    """One command."""
    out, err = io.StringIO(), io.StringIO()
    sys.argv, sys.stdin = ["stagewise", *arguments], io.StringIO(stdin)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            main()
    except SystemExit as end:
        return {"code": end.code, "stdout": out.getvalue(), "stderr": err.getvalue()}
    raise AssertionError("main() returned")


if __name__ == "__main__":
    wanted = json.load(sys.stdin)
    print(json.dumps([run(each["arguments"], each["stdin"]) for each in wanted]))  # noqa: T201 - its whole purpose
