"""Measures our endpoint beside a do-nothing one and an ordinary one, in turns, and checks every row.

At the end it prints how fast a worker delivers to a webhook (``bench/drain.py``), and how long each page of the
console takes (``bench/pages.py``): with 100,000 leads, as filling in a million takes some minutes.

    python -m bench [--seconds 4] [--rounds 5] [--only abcd] [--connections 256] [--tool auto|wrk|python]
                    [--page-leads 100000]

Exits with 1 if any answer was not a 201, any 201 has no row, or a page is over its budget. Everything stays on
127.0.0.1.
"""

from __future__ import annotations

import argparse
import datetime
import os
import secrets
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import msgspec

from bench import drain, machine, pages
from bench.contestants import Contestant, make
from bench.drain import Drained
from bench.figures import Run, ratios, table
from bench.pages import Timed
from bench.process import becomes_free, is_free
from bench.tools import ROOT, Tool, choose

LETTERS = "abcde"
#: Directus takes minutes to install: it is measured when asked for, by `make bench-peers`.
USUAL = "abcd"
WARM_SECONDS = 1
#: So many leads the console's pages are measured with: some seconds to fill in, and enough to see what grows.
PAGE_LEADS = 100_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it all; return the exit code."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _stop)
    name, tool = choose(options.tool)
    runs: list[Run] = []
    with machine.run_folder() as folder:
        about = machine.describe(folder) | {"load": f"{name}, {options.connections} connections"}
        print("\n".join(f"{key + ':':13}{value}" for key, value in about.items()), flush=True)
        contestants = {letter: make(letter, folder, options.port) for letter in LETTERS if letter in options.only}
        for number in range(1, options.rounds + 1):
            for letter, contestant in contestants.items():
                run = _measure(letter, contestant, number, tool, options)
                runs.append(run)
                emptied = f", outbox empty after {run.drained:.1f} s" if run.rows and run.rows.events else ""
                print(f"round {number} ({letter}) {run.rate:9,.0f} created/s{emptied}  {run.problem}", flush=True)
        drained = [drain.measure(folder, engine, drain.EVENTS) for engine in _engines(options.only)]
        engines = _engines(options.only) if options.page_leads else []
        timed = pages.report(options.page_leads, pages.ROUNDS, folder, engines) if engines else []
    print("\n" + table(runs, {letter: contestant.title for letter, contestant in contestants.items()}))
    for each in drained:
        print(f"one worker, {each.engine}: {each.rate:,.0f} webhook deliveries/s  {each.problem}")
    print(f"\nkept in {_keep(about, runs, drained, timed)}")
    wrong = [run for run in runs if run.problem]
    for run in wrong:
        print(f"WRONG: ({run.contestant}) in round {run.round}: {run.problem}", file=sys.stderr)
    return 1 if wrong or any(each.problem for each in drained) or any(each.problem for each in timed) else 0


def _engines(letters: str) -> list[str]:
    """The databases of those of our contestants that are measured."""
    return [engine for letter, engine in (("b", "sqlite"), ("c", "postgres")) if letter in letters]


def _measure(letter: str, contestant: Contestant, number: int, tool: Tool, options: argparse.Namespace) -> Run:
    """One run: start, warm up, load, stop, count, empty the outbox."""
    if not is_free(options.port):
        raise SystemExit(f"port {options.port} is in use: end what listens there, or choose another with --port")
    tag = secrets.token_hex(4)
    try:
        contestant.start()
        url = f"http://127.0.0.1:{options.port}{contestant.path}"
        warm = tool(url, f"w{tag}", WARM_SECONDS, options.connections, contestant.created)
        os.sync()
        load = tool(url, f"t{tag}", options.seconds, options.connections, contestant.created)
        contestant.stop()
        failures = warm.failures + load.failures
        rows = contestant.rows()
        problems = [
            f"{failures:,} failures" if failures else "",
            rows.problem(warm.created + load.created) if rows else "",
            "" if load.created else "no answer at all",
            "" if becomes_free(options.port) else f"port {options.port} is still in use after the end",
        ]
        began = time.monotonic()
        problems.append(contestant.drain())
        drained = time.monotonic() - began
    finally:
        contestant.remove()
    problem = "; ".join(filter(None, problems))
    return Run(letter, number, options.seconds, load, rows, warm, drained, problem)


def _keep(about: dict[str, str], runs: Sequence[Run], drained: Sequence[Drained], timed: Sequence[Timed]) -> Path:
    """Write everything that was measured to bench/results (git ignores it)."""
    now = datetime.datetime.now(datetime.UTC)
    path = ROOT / "bench" / "results" / f"{now:%Y-%m-%dT%H-%M-%S}.json"
    everything = {"machine": about, "at": now, "ratios": ratios(runs), "runs": runs, "drained": drained, "pages": timed}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(everything)) + b"\n")
    return path.relative_to(ROOT)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=4, help="timed seconds per run (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="runs of each endpoint (default: %(default)s)")
    parser.add_argument("--only", default=USUAL, help="which endpoints, for example ab (default: %(default)s)")
    parser.add_argument("--connections", type=int, default=256, help="open connections (default: %(default)s)")
    parser.add_argument("--tool", choices=["auto", "wrk", "python"], default="auto", help="default: wrk if installed")
    parser.add_argument(
        "--page-leads", type=int, default=PAGE_LEADS, help="for the console's pages; 0: none (default: %(default)s)"
    )
    parser.add_argument("--port", type=int, default=18470, help="port of 127.0.0.1 (default: %(default)s)")
    return parser.parse_args(arguments)


def _stop(*_: object) -> NoReturn:
    raise SystemExit(143)


if __name__ == "__main__":
    began = time.monotonic()
    code = main()
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
