"""Where our endpoint's time goes: Stagewise on SQLite or PostgreSQL under load, watched by py-spy.

    python -m bench.profile [--engine sqlite|postgres] [--seconds 10] [--waiting]

Prints the functions in which most samples were taken while they held the interpreter lock, which is what limits one
process; with ``--waiting`` all samples, those of threads that sleep or sync included. py-spy looks from outside (root
may, others where ``kernel.yama.ptrace_scope`` is 0) and costs much, so the rate meanwhile is no figure to compare.
"""

from __future__ import annotations

import argparse
import collections
import subprocess
import sys

from bench import machine
from bench.contestants import Ours, bench_python
from bench.tools import choose
from tests.support.processes import members

PORT = 18470
SHOWN = 40


def main() -> int:
    """Profile one run; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--seconds", type=int, default=10, help="seconds watched (default: %(default)s)")
    parser.add_argument("--waiting", action="store_true", help="count threads that do not hold the lock too")
    options = parser.parse_args()
    _name, tool = choose("auto")
    spy = bench_python().with_name("py-spy")
    with machine.run_folder() as folder:
        ours = Ours(folder, PORT, options.engine)
        try:
            ours.start()
            samples = folder / "samples"
            command = [str(spy), "record", "--pid", str(worker_of(ours.master)), "--duration", str(options.seconds)]
            command += ["--rate", "250", "--function", "--format", "raw", "--output", str(samples)]
            if not options.waiting:
                command.append("--gil")
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
                load = tool(f"http://127.0.0.1:{PORT}{ours.path}", "profile", options.seconds, 256)
                _, said = process.communicate()
            if process.returncode:
                print(said, file=sys.stderr)
                return 1
            print(f"{load.in_time / options.seconds:,.0f} created/s while watched, {load.failures} failures\n")
            print(summary(samples.read_text()))
        finally:
            ours.remove()
    return 0


def worker_of(master: int) -> int:
    """The process that serves: the youngest of the lane's session."""
    return max(pid for pid in members(master) if pid != master)


def summary(samples: str) -> str:
    """The functions with most samples, alone and with all they called; ``samples`` is py-spy's raw format."""
    alone: collections.Counter[str] = collections.Counter()
    total: collections.Counter[str] = collections.Counter()
    for line in samples.splitlines():
        stack, _, number = line.rpartition(" ")
        count = int(number)
        frames = stack.split(";")
        alone[frames[-1]] += count
        for frame in set(frames):
            total[frame] += count
    whole = sum(alone.values()) or 1
    # What every sample has in common (the start of the process, the pools of threads) says nothing.
    telling = [frame for frame in total if alone[frame] or "stagewise/" in frame]
    shown = sorted(telling, key=lambda name: -total[name])[:SHOWN]
    lines = [f"{100 * alone[frame] / whole:6.1f}%{100 * total[frame] / whole:7.1f}%  {frame}" for frame in shown]
    return "\n".join([f"{'alone':>7}{'in all':>8}", *lines])


if __name__ == "__main__":
    sys.exit(main())
