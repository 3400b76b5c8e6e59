"""Kills the leader of a PostgreSQL cluster, again and again, while leads come in on two nodes.

    python -m proof.failover [--times 10] [--asynchronous]

Three members under Patroni with etcd, one synchronous standby, HAProxy before them, all with the files of
deploy/patroni. What happens to the leader takes turns: its PostgreSQL is killed; its Patroni, so that a PostgreSQL
without a master goes on; both; both, after nothing has reached the standbys for a moment. What was killed is started
again, and the next turn begins when all three are there. At the end the leader is told to hand over, and the
synchronous standby is killed, twice each. Callers who get no 201 send the lead again under its key.

Prints how long each time no lead was taken, and the checker's table; exits with 1 if an invariant is broken.
``--asynchronous`` is the control: without a synchronous standby leads must be lost.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from proof import client, journal, stored
from proof.check import invariants, report
from proof.journal import Call, Journal, now_ms
from proof.kills import finish, under_load
from tests.patroni.machines import Databases, Mishap
from tests.support import shared
from tests.support.installation import Installation
from tests.support.waiting import eventually

MISHAPS: tuple[Mishap, ...] = ("postgres", "member", "stalled", "patroni")
#: What comes after the kills: the leader hands over, and its synchronous standby is killed.
AFTERWARDS: tuple[Mishap, ...] = ("switchover", "standby", "switchover", "standby")
#: Before a mishap leads come in for so long, in seconds; and so long nothing reaches the standbys before the third.
LOAD_S, STALL_S = 2.0, 1.5
#: Callers who got no 201 send the lead again after so many seconds.
AGAIN_S = 0.25
#: How long all callers together may take to get an answer after a mishap, in seconds.
BACK_S = 120


class Gap(NamedTuple):
    """How long no lead was taken, in seconds, and why."""

    mishap: Mishap
    seconds: float


class Outcome(msgspec.Struct):
    """What was seen."""

    calls: list[Call]
    gaps: list[Gap]
    table: str
    is_well: bool

    @property
    def figures(self) -> str:
        """A line for each mishap, and one for all."""
        by_mishap: dict[str, list[float]] = {}
        for gap in self.gaps:
            by_mishap.setdefault(gap.mishap, []).append(gap.seconds)
        by_mishap["all"] = [gap.seconds for gap in self.gaps]
        return "\n".join(_line(name, seconds) for name, seconds in by_mishap.items())


def _line(name: str, seconds: list[float]) -> str:
    middle, longest = statistics.median(seconds), max(seconds)
    return f"{name:11}{len(seconds):3} times, no lead taken for {middle:.1f} s (median), {longest:.1f} s (longest)"


def planned(times: int) -> list[Mishap]:
    """So many kills of the leader in turns, and what comes after them."""
    return [*itertools.islice(itertools.cycle(MISHAPS), times), *AFTERWARDS]


def run(databases: Databases, folder: Path, mishaps: Sequence[Mishap]) -> Outcome:
    """Let these happen to the leader of the moment, one after the other, and check."""
    first = Installation(folder / "first", databases.url)
    first.stagewise("migrate")
    nodes = [first, first.node("second")]
    first.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    written = Journal(folder / "journal.jsonl")
    try:
        ports = tuple(node.intake(workers=2).port for node in nodes)
        target = client.Target(ports, first.key)
        begun: list[int] = []
        with under_load(target, written, AGAIN_S):
            for mishap in mishaps:
                time.sleep(LOAD_S)
                begun.append(now_ms())
                _let_happen(databases, mishap, written)
        finish(target, written)
        written.close()
        calls = journal.read(written.path)
        table, is_well = report(calls, stored.of_url(databases.url), invariants(unknown=0))
    finally:
        for node in nodes:
            node.close()
    return Outcome(calls, _gaps(calls, mishaps, begun), table, is_well)


def _let_happen(databases: Databases, mishap: Mishap, written: Journal) -> None:
    """Let it happen, wait until leads are taken again, by another leader if it was his, and start what was killed."""
    leader = databases.leader
    assert leader is not None
    victim = databases.standby if mishap == "standby" else leader
    if mishap == "stalled":
        leader.stall()
        time.sleep(STALL_S)
    if mishap == "switchover":
        leader.hand_over()
    else:
        victim.suffer(mishap)
    if victim is leader:
        eventually(lambda: databases.leader not in {None, leader}, within=BACK_S)
    since = now_ms()
    eventually(lambda: _last_created(written) > since, within=BACK_S)
    if not victim.is_running:
        victim.start()
    databases.wait_until_settled()


def _last_created(written: Journal) -> int:
    """When the latest 201 came, from the end of the journal; 0 if none is there."""
    with written.path.open("rb") as file:
        file.seek(max(0, written.path.stat().st_size - 65_536))
        lines = file.read().splitlines()[1:]
    found = (each for each in map(_DECODE, lines[:-1]) if isinstance(each, journal.Answered) and each.status == 201)
    return max((each.at for each in found), default=0)


_DECODE = msgspec.json.Decoder(journal.Sent | journal.Answered).decode


def _gaps(calls: Sequence[Call], mishaps: Sequence[Mishap], begun: Sequence[int]) -> list[Gap]:
    """The longest pause between two 201 from each mishap to the next."""
    times = sorted(answer.at for call in calls for answer in call.created)
    pauses = list(itertools.pairwise(times))
    ends = [*begun[1:], times[-1]]
    return [
        Gap(mishap, max(later - earlier for earlier, later in pauses if later > start and earlier < end) / 1000)
        for mishap, start, end in zip(mishaps, begun, ends, strict=True)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proof.failover", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--times", type=int, default=10, help="kills; default: %(default)s")
    parser.add_argument("--asynchronous", action="store_true", help="without a synchronous standby: leads must be lost")
    options = parser.parse_args(arguments)
    shared.open_folder()
    try:
        databases = Databases(synchronous=not options.asynchronous)
        try:
            outcome = run(databases, shared.folder(), planned(options.times))
        finally:
            databases.close()
    finally:
        shared.close_folder()
    print(f"{outcome.figures}\n{outcome.table}")
    return 0 if outcome.is_well else 1


if __name__ == "__main__":
    sys.exit(main())
