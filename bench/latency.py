"""How long a visitor waits while the lane is not busy, beside what the database alone takes for one row.

    python -m bench.latency [--engine sqlite|postgres] [--leads 100000] [--seconds 10] [--rounds 3]

Per round, on one installation with that many leads: a bare loop that inserts one small row and commits it, synced,
again and again; the lane's own peak; the lane at a fifth of that, alone; and the same while four people open pages of
the console one after the other and somebody exports all leads. Printed are the medians and 99th percentiles, and the
lane's as multiples of the bare loop's of the same round. Exits with 1 if an answer was not a 201.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

import msgspec
import psycopg

from bench import machine, pages
from bench.figures import Load
from bench.scale import get, visit
from bench.tools import ROOT, choose
from tests.support import installation as installations
from tests.support.installation import Installation, Server
from tests.support.processes import Answer, request

LEADS = 100_000
PEAK_CONNECTIONS, CONNECTIONS = 256, 64
#: Of its peak, what the lane gets.
SHARE = 0.2
PEOPLE = 4


class Round(msgspec.Struct):
    """Microseconds: (median, 99th percentile)."""

    bare: tuple[int, int]
    alone: tuple[int, int]
    busy: tuple[int, int]
    rate: float
    failures: int
    #: Pages that people were shown, and megabytes that were exported, meanwhile.
    shown: int
    exported: float


def measure(engine: str, leads: int, seconds: int, rounds: int, folder: Path) -> list[Round]:
    """All rounds on one database."""
    made = installations.make(folder / f"latency-{engine}", engine)
    try:
        made.set_endpoint(allow_all_ips=True, allowed_origins=[], max_leads_per_ip=None)
        pages.fill(made, leads)
        server = made.serve()
        made.sql("CREATE TABLE bare (id bigint PRIMARY KEY, words text)")
        return [_round(made, server, seconds, number) for number in range(rounds)]
    finally:
        installations.remove(made)


def _round(made: Installation, server: Server, seconds: int, number: int) -> Round:
    url = f"http://127.0.0.1:{server.port}/public/v1/leads/{made.key}"
    _name, tool = choose("auto")
    _drained(made)
    bare = _bare(made, seconds, number)
    peak = tool(url, f"peak{number}", seconds, PEAK_CONNECTIONS)
    _drained(made)
    rate = peak.in_time / seconds * SHARE
    _drained(made)
    alone = _paced(url, f"alone{number}", seconds, rate)
    with _console_in_use(made, server.console_port) as use:
        busy = _paced(url, f"busy{number}", seconds, rate)
    failures = peak.failures + alone.failures + busy.failures
    return Round(
        bare, (alone.p50_us, alone.p99_us), (busy.p50_us, busy.p99_us), rate, failures, use.shown, use.exported / 1e6
    )


def _drained(made: Installation) -> None:
    """Wait until the worker has nothing left to do."""
    while made.count("event", "dispatched_at IS NULL") or made.count("lead", "derived_at IS NULL"):
        time.sleep(0.2)


def _paced(url: str, tag: str, seconds: int, rate: float) -> Load:
    command = [sys.executable, "-m", "bench.paced", url, tag, str(seconds), str(CONNECTIONS), str(rate)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Load)


def _bare(made: Installation, seconds: int, number: int) -> tuple[int, int]:
    """One row, one commit, synced, over and over."""
    times, ids = [], iter(range(number * 10_000_000, (number + 1) * 10_000_000))
    with _bare_insert(made) as insert:
        deadline = time.perf_counter() + seconds
        while (began := time.perf_counter()) < deadline:
            insert(next(ids))
            times.append(time.perf_counter() - began)
    times.sort()
    return int(median(times) * 1_000_000), int(times[int(len(times) * 0.99)] * 1_000_000)


@contextmanager
def _bare_insert(made: Installation) -> Iterator[Callable[[int], object]]:
    words = "x" * 200
    if made.database_url:
        with psycopg.connect(made.database_url, autocommit=True, prepare_threshold=1) as connection:
            yield lambda number: connection.execute("INSERT INTO bare VALUES (%s, %s)", (number, words))
        return
    database = sqlite3.connect(made.data_dir / "stagewise.sqlite3", isolation_level=None, timeout=20)
    database.execute("PRAGMA synchronous=FULL")
    yield lambda number: database.execute("INSERT INTO bare VALUES (?, ?)", (number, words))
    database.close()


class _Use:
    def __init__(self) -> None:
        self.shown = self.exported = 0


@contextmanager
def _console_in_use(made: Installation, port: int) -> Iterator[_Use]:
    """Four people who open one page after the other, and one who exports everything, again and again."""
    cookie, paths = visit(made, port)
    use, over = _Use(), threading.Event()
    export = next(path for path in paths if "/export/" in path).partition("?")[0]

    def look(first: int) -> None:
        for number in range(first, 1_000_000):
            if over.is_set():
                return
            assert get(port, paths[number % len(paths)], cookie).status == 200
            use.shown += 1

    def take_out() -> None:
        while not over.is_set():
            answer = _export(port, export, cookie)
            assert answer.status == 200
            use.exported += len(answer.body)

    threads = [threading.Thread(target=look, args=(each * 7,), daemon=True) for each in range(PEOPLE)]
    threads.append(threading.Thread(target=take_out, daemon=True))
    for thread in threads:
        thread.start()
    try:
        yield use
    finally:
        over.set()
        for thread in threads:
            thread.join(120)


def _export(port: int, path: str, cookie: str) -> Answer:
    """All leads as CSV."""
    token = "x" * 32
    headers = {
        "cookie": f"{cookie}; csrf={token}",
        "content-type": "application/x-www-form-urlencoded",
    }
    body = urlencode({"csrfmiddlewaretoken": token, "kind": "csv"}).encode()
    return request(port, "POST", path, body, headers, timeout=600)


def table(engine: str, leads: int, rounds: Sequence[Round]) -> str:
    """The medians over the rounds."""

    def line(name: str, of: Callable[[Round], tuple[int, int]]) -> str:
        p50, p99 = (median(of(each)[place] for each in rounds) / 1_000 for place in (0, 1))
        times = [median(of(each)[place] / each.bare[place] for each in rounds) for place in (0, 1)]
        return f"  {name:38}{p50:8.2f}{p99:8.2f} ms {times[0]:8.1f}{times[1]:8.1f}"

    failures = sum(each.failures for each in rounds)
    return "\n".join([
        f"{engine}, {leads:,} leads, {median(each.rate for each in rounds):,.0f} leads a second",
        f"  {'':38}{'p50':>8}{'p99':>8}    {'times the bare loop':>17}",
        line("one row and one commit, bare", lambda each: each.bare),
        line("the lane, alone", lambda each: each.alone),
        line("the lane, console in use and exporting", lambda each: each.busy),
        f"  meanwhile {median(each.shown for each in rounds):,.0f} pages shown",
        f"  {median(each.exported for each in rounds):,.0f} MB exported, {failures} answers were not 201",
    ])  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.latency", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=pages.ENGINES, action="append", help="default: both")
    parser.add_argument("--leads", type=int, default=LEADS, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args(arguments)
    failures = 0
    with machine.run_folder() as folder:
        for engine in options.engine or pages.ENGINES:
            rounds = measure(engine, options.leads, options.seconds, options.rounds, folder)
            print(table(engine, options.leads, rounds), flush=True)
            failures += sum(each.failures for each in rounds)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
