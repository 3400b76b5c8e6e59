"""What callers are answered when the disk fails, is full, is slow or hangs: never a 201 that does not last.

``strace`` makes the system calls of a real intake fail, or be late. That nothing rests on a sync that has failed is
proved in tests/proof.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from proof import powerloss
from tests.support import faults
from tests.support.crowd import Post, Reply, check_stored, post_all
from tests.support.installation import Installation, Server
from tests.support.processes import STAGEWISE, Answer, request
from tests.support.waiting import eventually

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])
DATABASE = "stagewise.sqlite3"


@pytest.fixture(scope="module")
def _disturbable() -> None:
    if why := faults.missing():
        pytest.skip(why)


@pytest.fixture
def lane(installation: Installation, _disturbable: None) -> Server:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    return installation.intake()


def disturbed(lane: Server, calls: str, how: str) -> contextlib.AbstractContextManager[None]:
    """While inside, these calls on database and log go wrong in the lane."""
    folder = lane.installation.data_dir
    return faults.disturbed(lane.children(), calls, how, folder / DATABASE, folder / f"{DATABASE}-wal")


def is_ready(port: int) -> bool:
    return request(port, "GET", "/readyz").status == 200


def code(answer: Answer | Reply) -> str:
    """The code of a 503 that says when to come back."""
    assert (answer.status, "retry-after" in answer.headers) == (503, True)
    found = re.search(rb'"code":"(\w+)"', answer.body)
    assert found
    return found[1].decode()


def posts(lane: Server, count: int, word: str = "") -> list[Post]:
    names = [f"{word}{number}" for number in range(count)]
    return [Post(lane.port, lane.installation.key, name, {"Idempotency-Key": name}) for name in names]


def settled(lane: Server, made: Sequence[Post], replies: Sequence[Reply]) -> None:
    """Whoever heard no 201 tries again with the same key; after that each lead is there once, with all it needs."""
    first = {reply.token: reply.status for reply in replies}
    again = post_all([post for post in made if first[post.token] != 201], connections=8)
    assert {reply.status for reply in again} <= {201}
    assert len(lane.installation.sql("SELECT id FROM lead")) == len(made)
    check_stored(lane.installation, [reply for reply in replies if reply.status == 201] + again)
    assert lane.installation.sql("PRAGMA integrity_check") == [("ok",)]


# A disk that fails


@only_sqlite
def test_a_failed_sync_is_answered_as_unknown_and_makes_the_lane_not_ready(lane: Server) -> None:
    key = {"Idempotency-Key": "one"}
    with disturbed(lane, faults.SYNCS, "error=EIO"):
        assert code(lane.post_lead(key)) == "outcome_unknown"
        assert not is_ready(lane.port)
    assert is_ready(lane.port)
    assert lane.post_lead(key).status == 201
    assert lane.installation.count("lead") == lane.installation.count("event") == 1


@only_sqlite
@pytest.mark.parametrize("calls", [faults.SYNCS, faults.WRITES])
def test_a_disk_that_fails_once_in_the_middle_of_a_crowd_costs_nobody_a_lead(lane: Server, calls: str) -> None:
    made = posts(lane, 200)
    with disturbed(lane, calls, "error=EIO:when=3"):
        replies = post_all(made, connections=16)
    assert {code(reply) for reply in replies if reply.status != 201} <= {"outcome_unknown"}
    settled(lane, made, replies)


@only_sqlite
@pytest.mark.soak
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_a_disk_that_fails_now_and_then_costs_nobody_a_lead(lane: Server, error: str) -> None:
    for number in range(1, 61):
        made = posts(lane, 150, f"{number}-")
        with disturbed(lane, faults.WRITES, f"error={error}:when={number}..{number + 5}"):
            replies = post_all(made, connections=16)
        assert {reply.status for reply in replies} <= {201, 503}
        settled(lane, made, replies)
        lane.installation.empty()
        lane.installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)


# A disk that is full


@only_sqlite
def test_a_full_disk_is_a_certain_no_until_there_is_room(lane: Server) -> None:
    assert lane.post_lead().status == 201
    with disturbed(lane, faults.WRITES, "error=ENOSPC"):
        assert {code(lane.post_lead()) for _ in range(3)} == {"unavailable"}
        assert not is_ready(lane.port)
    assert is_ready(lane.port)
    assert lane.installation.count("lead") == 1
    assert lane.post_lead().status == 201


@pytest.fixture
def small_disk(installation: Installation) -> Server:
    """An intake whose data directory is a file system of 8 MiB, which nobody else sees."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    copy = 'rm -rf "$0.copy" && cp -a "$0" "$0.copy"'
    mount = f'{copy} && mount -t tmpfs -o size=8m none "$0" && cp -a "$0.copy/." "$0" && exec "$@"'
    inside = ["unshare", "--mount", "sh", "-c", mount, str(installation.data_dir)]
    tried = subprocess.run([*inside, "true"], capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no file system may be mounted here: {tried.stderr.strip()}")
    return installation.intake(command=[*inside, *STAGEWISE])


@only_sqlite
def test_on_a_disk_filled_to_the_brim_nothing_is_lost_and_it_heals_by_itself(
    small_disk: Server, tmp_path: Path
) -> None:
    folder = Path(f"/proc/{small_disk.pid}/root{small_disk.installation.data_dir}")
    made = posts(small_disk, 40)
    replies = post_all(made[:10], connections=4)
    with (folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    replies += post_all(made[10:30], connections=4)
    assert {code(reply) for reply in replies if reply.status != 201} == {"unavailable"}
    assert not is_ready(small_disk.port)
    (folder / "filler").unlink()
    assert is_ready(small_disk.port)
    replies += post_all(made[30:], connections=4)
    assert {reply.status for reply in replies[30:]} == {201}
    files = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    found = powerloss.examine(files, tmp_path / "copy")
    assert (len(found.leads), found.faults) == (sum(reply.status == 201 for reply in replies), [])


# A disk that is slow, or hangs


def figure(lane: Server, name: str) -> float:
    """What the lane's metrics say."""
    lines = request(lane.port, "GET", "/metrics").body.decode().splitlines()
    [value] = (line.split()[1] for line in lines if line.startswith(f"{name} "))
    return float(value)


@only_sqlite
@pytest.mark.parametrize("leads", [100, pytest.param(2_000, marks=pytest.mark.soak)])
def test_on_a_slow_disk_batches_grow_and_everybody_is_answered(lane: Server, leads: int) -> None:
    made = posts(lane, leads)
    memory = resident(lane)
    with disturbed(lane, faults.SYNCS, "delay_exit=200000"):
        replies = post_all(made, connections=50)
    assert {reply.status for reply in replies} == {201}
    assert figure(lane, "stagewise_batches_total") <= leads / 10
    assert resident(lane) - memory < 20 * 1024**2
    settled(lane, made, replies)


def resident(lane: Server) -> int:
    """Memory of the process that answers, in bytes."""
    [worker] = lane.children()
    return int(Path(f"/proc/{worker}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@only_sqlite
@pytest.mark.parametrize("seconds", [pytest.param(7, marks=pytest.mark.slow), pytest.param(10, marks=pytest.mark.soak)])
def test_while_the_disk_hangs_those_who_wait_are_told_so_in_time(lane: Server, seconds: int) -> None:
    made = posts(lane, 40)
    with disturbed(lane, faults.SYNCS, f"delay_exit={seconds}000000:when=1"), ThreadPoolExecutor() as meanwhile:
        first = meanwhile.submit(post_all, made[:5], 5)
        eventually(lambda: figure(lane, "stagewise_waiting") > 0)  # from here on it is their sync that hangs
        ready = meanwhile.submit(is_ready, lane.port)
        late = post_all(made[5:], connections=35)
        assert not ready.result()
        held = first.result()
    assert is_ready(lane.port)
    assert {"stored" if reply.status == 201 else code(reply) for reply in held} <= {
        "stored", "unavailable", "outcome_unknown",
    }  # fmt: skip
    assert {code(reply) for reply in late} == {"unavailable"}
    stored = {name for (name,) in lane.installation.sql("SELECT name FROM lead")}
    assert not {f"t={reply.token}" for reply in late} & stored
    settled(lane, made, [*held, *late])
