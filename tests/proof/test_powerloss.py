"""A power failure at any moment loses no lead that was answered with 201; and the proof of it can fail."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path, PurePath
from typing import Any

import pytest

from proof import powerloss, trace
from proof.disk import PAGE, SECTOR, Disk
from proof.powerloss import Recording, Report
from proof.trace import Call, Moment
from tests.support.installation import Installation

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


@pytest.fixture(scope="module")
def _traceable() -> None:
    if why := trace.missing():
        pytest.skip(why)


@pytest.fixture
def replayed(installation: Installation, tmp_path: Path, _traceable: None) -> Replayed:
    return Replayed(installation, tmp_path / "disk")


class Replayed:
    """Records a run, and lets the power fail in it."""

    def __init__(self, installation: Installation, scratch: Path) -> None:
        self._installation = installation
        self._scratch = scratch

    def __call__(self, leads: int, patterns: int, points: int | None = None, **how: Any) -> Report:
        """Record so many leads, as ``powerloss.record`` has it, and replay that."""
        recording = powerloss.record(self._installation, leads, **how)
        return powerloss.replay(recording, self._scratch, patterns, points)


def kept(report: Report) -> bool:
    return (report.lost, report.damaged, report.order.too_early) == ([], [], 0)


@only_sqlite
@pytest.mark.slow
@pytest.mark.parametrize("pragmas", ["", "wal_autocheckpoint=50"], ids=["as-shipped", "log-written-back-often"])
def test_the_power_may_fail_at_any_moment(replayed: Replayed, pragmas: str) -> None:
    report = replayed(60, patterns=2, pragmas=pragmas)
    assert kept(report), report
    assert report.leads == report.order.answers == 60
    assert report.order.syncs >= report.order.commits > 1
    assert report.points > 200


@only_sqlite
@pytest.mark.soak
@pytest.mark.parametrize("pragmas", ["", "wal_autocheckpoint=100"], ids=["as-shipped", "log-written-back-often"])
def test_the_power_may_fail_in_a_long_run(replayed: Replayed, pragmas: str) -> None:
    report = replayed(500, patterns=4, points=2_500, pragmas=pragmas)
    assert kept(report), report
    assert report.leads == report.order.answers == 500
    assert report.points >= 2_000


def one_failed_sync(number: int) -> str:
    """The sync of that number fails in the thread that commits; the first four are those of the start."""
    return f"fsync,fdatasync:error=EIO:when={number}"


@only_sqlite
@pytest.mark.parametrize("number", [5, 8])
def test_what_a_failed_sync_left_behind_is_no_ground_for_a_later_answer(replayed: Replayed, number: int) -> None:
    report = replayed(40, patterns=2, points=150, fault=one_failed_sync(number))
    assert kept(report), report
    assert report.order.failed_syncs == 1
    assert report.leads == report.order.answers > 0


@only_sqlite
@pytest.mark.soak
@pytest.mark.parametrize("pragmas", ["", "wal_autocheckpoint=50"], ids=["as-shipped", "log-written-back-often"])
@pytest.mark.parametrize("number", range(1, 61))
def test_whichever_sync_fails_no_later_answer_rests_on_it(replayed: Replayed, number: int, pragmas: str) -> None:
    report = replayed(240, patterns=2, points=100, pragmas=pragmas, fault=one_failed_sync(number))
    assert kept(report), report


@only_sqlite
def test_the_proof_finds_leads_that_are_synced_too_late(replayed: Replayed) -> None:
    report = replayed(20, patterns=1, pragmas="synchronous=NORMAL")
    assert report.lost
    assert report.order.too_early > 0


@only_sqlite
def test_the_proof_finds_answers_that_trust_a_failed_sync(replayed: Replayed) -> None:
    report = replayed(30, patterns=1, fault=f"{one_failed_sync(5)}..8", trusting=True)
    assert report.lost
    assert report.order.too_early > 0


@only_sqlite
def test_the_proof_finds_files_that_are_never_synced(replayed: Replayed) -> None:
    report = replayed(40, patterns=2, points=200, pragmas="synchronous=OFF,wal_autocheckpoint=20")
    assert report.damaged


@only_sqlite
def test_the_proof_finds_a_lead_without_its_event(installation: Installation, tmp_path: Path) -> None:
    server = installation.intake()
    assert server.post_lead().status == 201
    server.terminate()
    whole = powerloss.examine(files_of(installation), tmp_path / "whole")
    assert (len(whole.leads), whole.faults) == (1, [])
    installation.sql("DELETE FROM event")
    partial = powerloss.examine(files_of(installation), tmp_path / "partial")
    assert partial.faults == ["1 leads, 1 of them without event or attempt, 1 hits"]


def files_of(installation: Installation) -> dict[str, bytes]:
    with closing(sqlite3.connect(installation.data_dir / "stagewise.sqlite3")) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return {path.name: path.read_bytes() for path in installation.data_dir.iterdir() if path.is_file()}


# The disk of the replay, by hand

FOLDER = PurePath("/data")


def disk_after(*calls: Call, unfinished: bool = False, results: Mapping[int, int] | None = None) -> Disk:
    """A disk with one file of two pages, after these calls; the last may not have ended. Results are 0 unless given."""
    disk = Disk(FOLDER, {"file": bytes(2 * PAGE)})
    for place, call in enumerate(calls):
        call.result = (results or {}).get(place, 0)
        disk.see(Moment(call, ended=False))
        if not (unfinished and call is calls[-1]):
            disk.see(Moment(call, ended=True))
    return disk


def write(text: bytes, offset: int = 0, name: str = "file") -> Call:
    return Call("pwrite64", f"/data/{name}", text, offset)


def sync(path: str = "/data/file") -> Call:
    return Call("fsync", path)


def test_only_what_was_synced_is_surely_there() -> None:
    disk = disk_after(write(b"one"), sync(), write(b"two", offset=3))
    assert disk.after_power_loss(PAGE, lambda: False)["file"][:6] == b"one\0\0\0"
    assert disk.after_power_loss(PAGE, lambda: True)["file"][:6] == b"onetwo"


def test_a_sync_that_has_not_ended_makes_nothing_sure() -> None:
    disk = disk_after(write(b"one"), sync(), write(b"two"), sync(), unfinished=True)
    assert disk.after_power_loss(PAGE, lambda: False)["file"][:3] == b"one"


def test_of_a_torn_write_any_sectors_may_be_there() -> None:
    choices = iter([True, False, True])
    found = disk_after(write(b"x" * 3 * SECTOR)).after_power_loss(SECTOR, lambda: next(choices))["file"]
    assert found[: 3 * SECTOR] == b"x" * SECTOR + bytes(SECTOR) + b"x" * SECTOR


def test_a_new_file_is_there_for_sure_once_its_folder_is_synced() -> None:
    made = [Call("openat", "/data/new"), write(b"text", name="new"), sync("/data/new")]
    assert "new" not in disk_after(*made).after_power_loss(PAGE, lambda: False)
    assert disk_after(*made, sync("/data")).after_power_loss(PAGE, lambda: False)["new"] == b"text"


def test_a_removed_file_may_come_back_until_its_folder_is_synced() -> None:
    gone = Call("unlink", "/data/file")
    assert "file" in disk_after(gone).after_power_loss(PAGE, lambda: False)
    assert "file" not in disk_after(gone, sync("/data")).after_power_loss(PAGE, lambda: False)


def test_what_a_failed_sync_has_not_brought_there_no_later_one_brings() -> None:
    disk = disk_after(write(b"x" * 2 * PAGE), sync(), results={1: -1})
    left = disk.after_power_loss(PAGE, lambda: True)["file"]
    assert 0 < left.count(b"x") < 2 * PAGE
    assert disk.seen()["file"] == b"x" * 2 * PAGE


def test_an_answer_before_the_end_of_its_sync_is_too_early() -> None:
    lead = "0" * 31 + "1"
    log = "/data/file-wal"
    header, page = write(bytes(4) + b"\0\0\0\1" + bytes(16), name="file-wal"), write(lead.encode(), name="file-wal")
    answer = Call("writev", data=b'HTTP/1.1 201 Created\r\n\r\n{"id":"00000000-0000-0000-0000-000000000001"}')
    commit = [Moment(call, ended) for call in (header, page) for ended in (False, True)]
    synced = Call("fsync", log, result=0)
    begun, ended, told = Moment(synced, False), Moment(synced, True), Moment(answer, False)
    for moments, too_early in (([*commit, begun, told, ended], 1), ([*commit, begun, ended, told], 0)):
        found = powerloss.order(Recording(Path("/data"), {}, {}, moments, {lead}))
        assert (found.answers, found.too_early) == (1, too_early)
