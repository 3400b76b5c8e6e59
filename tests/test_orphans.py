"""No process outlives the one that started it, however early that one is gone."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.support.shared import ROOT

_STARTER = """
import multiprocessing, os, signal, time
from stagewise import orphans

def child():
    time.sleep(0.5)  # still importing, while the starter is killed
    orphans.watch(grace=0)
    time.sleep(60)

process = multiprocessing.get_context("fork").Process(target=child)
process.start()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_child_whose_starter_was_killed_before_it_could_look_ends_too() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _STARTER], cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=60, check=False
    )
    child = Path("/proc") / done.stdout.strip()
    deadline = time.monotonic() + 20
    while child.exists():
        assert time.monotonic() < deadline, "it goes on without its starter"
        time.sleep(0.05)
