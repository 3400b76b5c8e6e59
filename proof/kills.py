"""Kills what serves, again and again, while leads come in, and holds the journal of the client against the database.

    python -m proof.kills [--what worker|group|master|database|backend] [--engine sqlite|postgres] [--times 20]

``worker`` is one of two processes of the lane, ``group`` all of them, ``master`` the one that started them (what it
leaves behind must end by itself), ``database`` the PostgreSQL server, ``backend`` its connections. All by ``kill -9``,
but the last. Whoever got no answer sends the lead again under its key, as the contract says. Prints the checker's
table; exits with 1 if an invariant is broken.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from os import kill
from pathlib import Path

import msgspec

from proof import client, journal, stored
from proof.check import invariants, report
from proof.journal import Call, Journal
from tests.support import installation as installations
from tests.support import postgres, shared
from tests.support.installation import Installation, Server
from tests.support.processes import STAGEWISE, members

WHATS = ("worker", "group", "master", "database", "backend")
CONNECTIONS = 16
#: Between two kills, in seconds.
PAUSE_S = (0.1, 0.5)
#: What a killed master leaves behind must have ended by then, in seconds.
ORPHANS_S = 3.0
#: How long callers without an answer try again, in seconds.
FINISH_S = 20.0


class Outcome(msgspec.Struct):
    """What the checker found."""

    calls: list[Call]
    table: str
    is_well: bool


class Lane:
    """The lane under fire, on one port all the time."""

    def __init__(self, installation: Installation, command: Sequence[str]) -> None:
        self.installation = installation
        self.command = command
        self.server: Server = installation.intake(workers=2, command=command)
        self.port = self.server.port

    def again(self) -> None:
        """Start it anew."""
        self.server = self.installation.intake(workers=2, port=self.port, command=self.command)

    def workers(self) -> list[int]:
        """The processes that take leads: those that the master's start left open for work."""
        return [pid for pid, command in members(self.server.pid).items() if pid != self.server.pid and _serves(command)]


def _serves(command: str) -> bool:
    return "resource_tracker" not in command


def run(
    installation: Installation, what: str, times: int, folder: Path, *, cluster: postgres.Cluster | None = None,
    command: Sequence[str] = STAGEWISE, seed: int = 1,
) -> Outcome:  # fmt: skip
    """Kill so many times under load, let the callers finish, and check. ``cluster``: the server, for ``database``."""
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    lane = Lane(installation, command)
    chance = random.Random(seed)
    target = client.Target((lane.port,), installation.key)
    with Journal(folder / "journal.jsonl") as written:
        with under_load(target, written):
            for _ in range(times):
                time.sleep(chance.uniform(*PAUSE_S))
                _strike(what, lane, cluster, chance)
            time.sleep(PAUSE_S[1])
            if not lane.server.running:
                lane.again()
        finish(target, written)
    lane.server.end()
    calls = journal.read(written.path)
    there = (
        stored.of_url(installation.database_url)
        if installation.database_url
        else stored.of_file(installation.data_dir / "stagewise.sqlite3")
    )
    table, is_well = report(calls, there, invariants(unknown=0))
    return Outcome(calls, table, is_well)


@contextmanager
def under_load(target: client.Target, written: Journal, again_s: float | None = None) -> Iterator[None]:
    """Send leads as long as the block lasts; ``again_s`` as in :func:`client.send`."""
    over = threading.Event()
    sending = client.send(target, written, client.leads("k"), CONNECTIONS, over.is_set, again_s)
    thread = threading.Thread(target=lambda: asyncio.run(sending))
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def finish(target: client.Target, written: Journal) -> None:
    """Those without a 201 send again, under the same key."""
    for _ in range(5):
        open_calls = [call.sent for call in journal.read(written.path) if not call.created]
        if not open_calls:
            return
        asyncio.run(client.send(target, written, iter(open_calls), CONNECTIONS, _after(FINISH_S)))
        time.sleep(0.2)


def _after(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _strike(what: str, lane: Lane, cluster: postgres.Cluster | None, chance: random.Random) -> None:
    match what:
        case "worker":
            if (
                not lane.server.running
            ):  # of those that die again at once the server has enough: whoever runs it starts it
                lane.again()
            with suppress(ProcessLookupError, IndexError):
                kill(chance.choice(lane.workers()), signal.SIGKILL)
        case "group":
            lane.server.kill_all()
            lane.again()
        case "master":
            before = lane.server
            before.kill()
            _wait(lambda: not members(before.pid), f"processes were left behind: {members(before.pid)}")
            lane.again()
        case "database":
            assert cluster is not None
            cluster.kill()
            time.sleep(chance.uniform(*PAUSE_S))
            cluster.start()
        case "backend":
            lane.installation.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'stagewise intake'"
                " AND datname = current_database()"
            )


def _wait(is_done: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + ORPHANS_S
    while not is_done():
        if time.monotonic() > deadline:
            raise AssertionError(otherwise)
        time.sleep(0.05)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proof.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--what", choices=WHATS, default="group", help="default: %(default)s")
    parser.add_argument("--engine", choices=("sqlite", "postgres"), default="sqlite", help="default: %(default)s")
    parser.add_argument("--times", type=int, default=20, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.what in {"database", "backend"}:
        options.engine = "postgres"
    shared.open_folder()
    try:
        if options.what == "database":
            with installations.on_its_own(shared.folder() / "data") as (cluster, made):
                outcome = run(made, options.what, options.times, shared.folder(), cluster=cluster)
        else:
            made = installations.make(shared.folder() / "data", options.engine)
            outcome = run(made, options.what, options.times, shared.folder())
            installations.remove(made)
    finally:
        shared.close_folder()
    print(f"{options.what} killed {options.times} times on {options.engine}\n{outcome.table}")
    return 0 if outcome.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
