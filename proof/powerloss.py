"""Proves that a power failure costs no lead that was answered with 201, and never damages the SQLite file.

A real intake takes leads over real connections while every write, sync and answer of its processes is recorded. Then,
for every moment of the recording, the files are built as a disk may hold them if the power failed just then, opened
with our SQLite, and held against the answers that had left by then.

    python -m proof.powerloss [--leads 500] [--points 2500]

Exits with 1 if a lead is lost, a file is damaged, an answer left before its sync, or a control found nothing: with
``synchronous=NORMAL``, which syncs too late, leads must get lost, and with ``OFF``, which never syncs, files must be
damaged; else this proof proves nothing.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from proof import trace
from proof.disk import PAGE, SECTOR, Choice, Disk
from proof.trace import SYNCS, Call, Moment
from proof.weakened import PRAGMAS, TRUSTING
from tests.support import installation as installations
from tests.support import shared
from tests.support.crowd import Post, post_all
from tests.support.installation import Installation
from tests.support.processes import STAGEWISE

DATABASE = "stagewise.sqlite3"
CONNECTIONS = 8
_CREATED = re.compile(rb'HTTP/1\.1 201 .*?"id": ?"([0-9a-f-]{36})"', re.DOTALL)
_ID = re.compile(rb"[0-9a-f]{32}")


class Recording(msgspec.Struct):
    """A run: the files before and after it, what happened in order, and the ids that callers were told."""

    folder: Path
    before: dict[str, bytes]
    after: dict[str, bytes]
    moments: list[Moment]
    acknowledged: set[str]


class Found(msgspec.Struct):
    """What is in the files after a power failure."""

    leads: frozenset[str]
    faults: list[str]


class Order(msgspec.Struct):
    """Whether each answer came after the sync of its commit."""

    commits: int = 0
    syncs: int = 0
    failed_syncs: int = 0
    answers: int = 0
    too_early: int = 0


class Report(msgspec.Struct):
    """What a replay found. ``lost`` and ``damaged`` hold a line for each state of the disk that broke the promise."""

    leads: int
    order: Order
    points: int = 0
    states: int = 0
    lost: list[str] = []
    damaged: list[str] = []


def record(
    installation: Installation,
    leads: int,
    connections: int = CONNECTIONS,
    pragmas: str = "",
    fault: str = "",
    trusting: bool = False,
) -> Recording:
    """Take so many leads, and stop. ``pragmas``, ``trusting``: see proof/weakened.py; ``fault``: ``trace.recorder``.

    With a fault some of the leads may be answered with 503; otherwise each is a 201.
    """
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    folder, file = installation.data_dir, installation.new_log("calls")
    with closing(sqlite3.connect(folder / DATABASE)) as database:  # what was saved above is in the file itself
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = _files(folder)
    program = _weakened(pragmas, trusting) if pragmas or trusting else STAGEWISE
    server = installation.intake(command=[*trace.recorder(file, fault), *program])
    replies = post_all([Post(server.port, installation.key, str(number), {}) for number in range(leads)], connections)
    assert [reply for reply in replies if reply.status not in ({201, 503} if fault else {201})] == []
    assert server.terminate() == 0
    trace.wait_for_end(file, server.pid)
    ids = {msgspec.json.decode(reply.body)["id"].replace("-", "") for reply in replies if reply.status == 201}
    moments = trace.read(file, folder)
    file.unlink()
    return Recording(folder, before, _files(folder), moments, ids)


def _weakened(pragmas: str, trusting: bool) -> list[str]:
    how = [f"{PRAGMAS}={pragmas}", *([f"{TRUSTING}=1"] if trusting else [])]
    return ["env", *how, sys.executable, "-m", "proof.weakened"]


def _files(folder: Path) -> dict[str, bytes]:
    """What is on the disk; the -shm file is an index in memory."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}


def examine(files: dict[str, bytes], folder: Path) -> Found:
    """Put the files into the folder, open them as after a restart, and look whether all is whole."""
    folder.mkdir()
    try:
        for name, content in files.items():
            (folder / name).write_bytes(content)
        with closing(sqlite3.connect(folder / DATABASE)) as database:
            return _examine(database)
    except sqlite3.Error as error:
        return Found(frozenset(), [repr(error)])
    finally:
        shutil.rmtree(folder)


def _examine(database: sqlite3.Connection) -> Found:
    faults = [line for (line,) in database.execute("PRAGMA integrity_check") if line != "ok"]
    leads = frozenset(row[0] for row in database.execute("SELECT public_id FROM lead"))
    partial = database.execute(
        "SELECT count(*) FROM lead l WHERE 1 <> (SELECT count(*) FROM event WHERE lead_id = l.id)"
        " OR 1 <> (SELECT count(*) FROM attempt WHERE lead_id = l.id AND outcome = 'created')"
    ).fetchone()[0]
    hits = database.execute("SELECT count(*) FROM hit").fetchone()[0]
    if partial or hits != len(leads):
        faults.append(f"{len(leads)} leads, {partial} of them without event or attempt, {hits} hits")
    return Found(leads, faults)


def answered(call: Call) -> set[str]:
    """The leads that a call tells somebody about."""
    return set() if call.path else {found.decode().replace("-", "") for found in _CREATED.findall(call.data)}


def replay(recording: Recording, scratch: Path, patterns: int, points: int | None = None, seed: int = 1) -> Report:
    """Let the power fail at every moment, or at so many of them chosen at random; try so many patterns each time.

    The patterns: nothing is there that was not synced; random pages of it; all of it; random sectors of it.
    """
    chance = random.Random(seed)
    report = Report(len(recording.acknowledged), order(recording))
    disk = Disk(recording.folder, recording.before)
    told: set[str] = set()
    last_synced: tuple[int, Found] | None = None
    count = sum(1 for _ in _crash_points(recording, Disk(recording.folder, recording.before), set()))
    chosen = set(chance.sample(range(count), min(points or count, count)))
    for number, _moment in enumerate(_crash_points(recording, disk, told)):
        if number not in chosen:
            continue
        report.points += 1
        for pattern in range(patterns):
            if pattern == 0 and last_synced is not None and last_synced[0] == disk.synced:
                found = last_synced[1]  # nothing was synced since: it is the same state
            else:
                found = examine(disk.after_power_loss(*_pattern(pattern, chance)), scratch)
            if pattern == 0:
                last_synced = disk.synced, found
            _judge(report, f"moment {number}, pattern {pattern}", told, found)
    if disk.seen() != recording.after:
        raise ValueError("the recording leaves other files than the run did")
    return report


def _pattern(number: int, chance: random.Random) -> tuple[int, Choice]:
    """The size of a piece, and which pieces are there."""
    odds = chance.choice((0.1, 0.5, 0.9))
    if number in {0, 2}:
        return PAGE, lambda: number == 2
    return PAGE if number == 1 else SECTOR, lambda: chance.random() < odds


def _crash_points(recording: Recording, disk: Disk, told: set[str]) -> Iterator[Moment]:
    """Every moment at which something was written, synced or answered, with disk and answers as they are then."""
    for moment in recording.moments:
        new = set() if moment.ended else answered(moment.call) & recording.acknowledged
        told |= new
        if disk.see(moment) or new:
            yield moment


def _judge(report: Report, where: str, told: set[str], found: Found) -> None:
    report.states += 1
    if found.faults:
        report.damaged.append(f"{where}: {'; '.join(found.faults)}")
    elif missing := told - found.leads:
        report.lost.append(f"{where}: {len(missing)} of {len(told)}")


def order(recording: Recording) -> Order:
    """Hold each answer against the first sync of the log that ended after the last write of the lead's commit."""
    found = Order()
    written: set[str] = set()  # in the log, their commit not yet
    committed: set[str] = set()  # with their commit, which is not yet synced
    synced: set[str] = set()
    covered: dict[int, set[str]] = {}
    commits = False
    for moment in recording.moments:
        call = moment.call
        if not call.path and not moment.ended:
            told = answered(call) & recording.acknowledged
            found.answers += len(told)
            found.too_early += len(told - synced)
        elif not call.path.endswith("-wal"):
            continue
        elif call.name in SYNCS and not moment.ended:
            covered[id(call)] = set(committed)
        elif call.name in SYNCS and call.result == 0:
            found.syncs += 1
            synced |= covered.pop(id(call))
        elif call.name in SYNCS:
            found.failed_syncs += 1
        elif call.name == "pwrite64" and moment.ended and len(call.data) == _FRAME_HEADER:
            commits = any(call.data[4:8])  # the size of the database after the commit; 0 in other frames
        elif call.name == "pwrite64" and moment.ended:
            written |= {each.decode() for each in _ID.findall(call.data)} & recording.acknowledged
            if commits:
                found.commits += 1
                committed |= written
                commits = False
    return found


#: A frame of the write-ahead log is this header and a page (https://sqlite.org/fileformat2.html#walformat).
_FRAME_HEADER = 24


def say(title: str, report: Report) -> None:
    """Print the figures of a replay."""
    print(
        f"{title}: {report.leads} leads in {report.order.commits} commits, {report.order.syncs} syncs of the log;"
        f" {report.points} moments, {report.states} states of the disk;"
        f" {len(report.lost)} with lost leads, {len(report.damaged)} damaged;"
        f" {report.order.too_early} answers too early"
    )
    for line in (report.lost + report.damaged)[:5]:
        print(f"  {line}")


def main(arguments: Sequence[str] | None = None) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m proof.powerloss")
    parser.add_argument("--leads", type=int, default=500)
    parser.add_argument("--points", type=int, default=2_500, help="moments at which the power fails, in each run")
    chosen = parser.parse_args(arguments)
    if why := trace.missing():
        print(why)
        return 1
    shared.open_folder(in_memory=True)
    try:
        reports = {}
        for title, pragmas in _RUNS.items():
            installation = installations.make(shared.folder() / title.replace(" ", "-"), "sqlite")
            recording = record(installation, chosen.leads, pragmas=pragmas)
            with tempfile.TemporaryDirectory(dir=shared.folder()) as scratch:
                reports[title] = replay(recording, Path(scratch, "disk"), 4, chosen.points)
            say(title, reports[title])
            installations.remove(installation)
    finally:
        shared.close_folder()
    late, never = reports.pop("synced too late"), reports.pop("never synced")
    if not (late.lost and late.order.too_early and never.damaged):
        print("the controls found nothing: this proof proves nothing")
        return 1
    return 1 if any(each.lost or each.damaged or each.order.too_early for each in reports.values()) else 0


#: What is recorded, and the pragmas of it.
_RUNS = {
    "as shipped": "",
    "log written back often": "wal_autocheckpoint=100",
    "synced too late": "synchronous=NORMAL",
    "never synced": "synchronous=OFF,wal_autocheckpoint=100",
}

if __name__ == "__main__":
    sys.exit(main())
