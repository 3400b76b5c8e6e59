"""What many leads cost the lane and the processes: speed beside an empty installation, start, memory, disk.

    python -m bench.scale [--engine sqlite|postgres] [--leads 1000000] [--rounds 3] [--seconds 4] [--pages 5]

One installation is filled by ``stagewise dev fill``, another stays empty, and the same load goes to both in turns: a
ratio is taken within a round. Then ``stagewise serve`` runs on the full one: printed are the time from its start to
the first 201, and what each process holds in memory after load, a round of the console's pages and an emptied outbox.
Bytes a lead are what the empty installation's database grew by, before the worker fills in its search. With ``--pages``
each page of the console is timed as well, as bench/pages.py does it. Exits with 1 if an answer was not a 201, a page
was not there, or a row is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench import machine, pages
from bench.tools import Tool, choose
from tests.support import installation as installations
from tests.support.installation import Installation, Server
from tests.support.processes import Answer, free_port, members, request

LEADS = 1_000_000
CONNECTIONS = 256
#: The first 201 may take this long before it counts as never, in seconds.
_PATIENCE_S = 60


class Scale(msgspec.Struct):
    """What was measured on one database."""

    engine: str
    leads: int
    fill_s: float
    bytes_per_lead: float
    #: Created a second, (empty, full) round by round.
    rates: list[tuple[float, float]]
    first_201_s: float
    #: Resident memory in MB by process.
    memory: dict[str, float]
    problems: list[str]

    @property
    def ratio(self) -> float:
        """How fast the full one is, the empty one being 1."""
        return median(full / empty for empty, full in self.rates)


def measure(engine: str, leads: int, rounds: int, seconds: int, page_rounds: int, folder: Path) -> Scale:
    """Measure one database."""
    full, empty = (installations.make(folder / f"{name}-{engine}", engine) for name in ("full", "empty"))
    try:
        for each in (full, empty):
            each.set_endpoint(allow_all_ips=True, allowed_origins=[], max_leads_per_ip=None)
        began = time.monotonic()
        pages.fill(full, leads)
        found = Scale(engine, leads, time.monotonic() - began, 0, [], 0, {}, [])
        _compare(found, empty, full, rounds, seconds)
        if page_rounds:
            print(pages.table(pages.time_pages(full, engine, page_rounds)), flush=True)
        _run_everything(found, full, seconds)
        return found
    finally:
        for each in (full, empty):
            installations.remove(each)


def _compare(found: Scale, empty: Installation, full: Installation, rounds: int, seconds: int) -> None:
    """The same load on both, in turns."""
    _name, tool = choose("auto")
    before, created = _size(empty), 0
    for number in range(rounds):
        both = []
        for installation in (empty, full):
            port = free_port()
            server = installation.intake(port=port)
            stored = installation.count("lead")
            count, rate = _load(found, tool, server, f"scale{number}", seconds)
            server.end()
            if installation.count("lead") - stored != count:
                found.problems.append(f"{count:,} answers 201, {installation.count('lead') - stored:,} leads")
            created += count if installation is empty else 0
            both.append(rate)
        found.rates.append((both[0], both[1]))
    found.bytes_per_lead = (_size(empty) - before) / max(created, 1)


def _load(found: Scale, tool: Tool, server: Server, tag: str, seconds: int) -> tuple[int, float]:
    load = tool(f"http://127.0.0.1:{server.port}/public/v1/leads/{server.installation.key}", tag, seconds, CONNECTIONS)
    if load.failures:
        found.problems.append(f"{load.failures} answers were not 201")
    return load.created, load.in_time / seconds


def _size(installation: Installation) -> int:
    if installation.database_url:
        installation.sql("CHECKPOINT")
        return int(installation.sql("SELECT pg_database_size(current_database())")[0][0])
    installation.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return (installation.data_dir / "stagewise.sqlite3").stat().st_size


def _run_everything(found: Scale, full: Installation, seconds: int) -> None:
    """``serve`` on the full one: its first lead, load, every page, an empty outbox, and then its memory."""
    began = time.monotonic()
    server = full.serve(ready=False)
    while time.monotonic() - began < _PATIENCE_S and not _takes_a_lead(server):
        time.sleep(0.01)
    found.first_201_s = time.monotonic() - began
    server.wait_for(server.console_port)
    _load(found, choose("auto")[1], server, "everything", seconds)
    cookie, paths = visit(full, server.console_port)
    for path in paths:
        answer = get(server.console_port, path, cookie)
        if answer.status != 200:
            found.problems.append(f"{path} answered {answer.status}")
    while full.count("event", "dispatched_at IS NULL"):
        time.sleep(0.5)
    found.memory = _memory(server.pid)
    server.end()


def _takes_a_lead(server: Server) -> bool:
    try:
        return server.post_lead(name="First").status == 201
    except OSError:
        return False


def visit(full: Installation, port: int) -> tuple[str, list[str]]:
    """A logged in owner's cookie, and where all pages are."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.scale", "--inside"],
        env=full.environment(console_url=f"http://127.0.0.1:{port}")
        | {"DJANGO_SETTINGS_MODULE": "stagewise.site.settings"},
        stdout=subprocess.PIPE,
        check=True,
    )
    cookie, paths = json.loads(done.stdout)
    return cookie, paths


def _inside() -> tuple[str, list[str]]:
    """In a process of its own, with Django set up for the installation that the environment names."""
    owner, browser = pages.owner_and_browser()
    from bench.page_list import pages as all_pages

    cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in browser.cookies.items())
    return cookie, [each.path for each in all_pages(owner) if not each.token]


def get(port: int, path: str, cookie: str) -> Answer:
    """A page of the console, as the person whose cookie it is."""
    return request(port, "GET", path, headers={"cookie": cookie, "host": f"127.0.0.1:{port}"}, timeout=120)


def _memory(leader: int) -> dict[str, float]:
    """Megabytes that each process of the session holds resident, by what it is."""
    found = {}
    for pid in members(leader):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        found[f"{pid} {command.partition('-m stagewise ')[2][:20]}"] = int(status["VmRSS"].split()[0]) / 1024
    return found


def table(found: Scale) -> str:
    """What was measured, in lines."""
    memory = ", ".join(f"{name} {size:.0f} MB" for name, size in found.memory.items())
    rates = ", ".join(f"{full:,.0f} beside {empty:,.0f}" for empty, full in found.rates)
    return "\n".join([
        f"{found.engine}, {found.leads:,} leads, filled in {found.fill_s:.0f} s",
        f"  created a second beside an empty one: {found.ratio:.2f} ({rates})",
        f"  first 201 after {found.first_201_s:.1f} s; {found.bytes_per_lead:,.0f} bytes a lead",
        f"  memory: {memory}",
        *(f"  WRONG: {problem}" for problem in found.problems),
    ])  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=pages.ENGINES, action="append", help="default: both")
    parser.add_argument("--leads", type=int, default=LEADS, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--pages", type=int, default=0, help="time the console's pages too, in so many rounds")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        print(json.dumps(_inside()))
        return 0
    problems = 0
    with machine.run_folder() as folder:
        for engine in options.engine or pages.ENGINES:
            found = measure(engine, options.leads, options.rounds, options.seconds, options.pages, folder)
            print(table(found), flush=True)
            problems += len(found.problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
