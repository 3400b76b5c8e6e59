"""Slots and tokens, exact over threads and processes."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from stagewise_client.errors import ConfigError
from stagewise_client.relay.memory import Memory

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    return Memory(tmp_path / "memory.sqlite3", "key")


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def test_so_many_submissions_and_no_more_in_24_hours(memory: Memory, clock: time_machine.Traveller) -> None:
    assert [memory.take_slot("198.51.100.7", f"s{number}", 2) for number in range(2)] == [0, 0]
    clock.shift(timedelta(hours=1))
    assert memory.take_slot("198.51.100.7", "s2", 2) == 23 * 3600
    assert memory.take_slot("198.51.100.8", "s3", 2) == 0
    clock.shift(timedelta(hours=23))
    assert memory.take_slot("198.51.100.7", "s2", 2) == 0


def test_a_repeat_of_a_submission_takes_no_second_slot(memory: Memory) -> None:
    assert [memory.take_slot("198.51.100.7", "same", 1) for _ in range(3)] == [0, 0, 0]


def test_a_slot_can_be_given_back(memory: Memory) -> None:
    memory.take_slot("198.51.100.7", "refused", 1)
    memory.free_slot("refused")
    assert memory.take_slot("198.51.100.7", "next", 1) == 0


def test_the_limit_is_exact_when_many_come_at_once(memory: Memory) -> None:
    with ThreadPoolExecutor(8) as crowd:
        waits = list(crowd.map(lambda number: memory.take_slot("198.51.100.7", f"s{number}", 5), range(40)))
    assert waits.count(0) == 5


def test_processes_share_the_slots(memory: Memory, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from stagewise_client.relay.memory import Memory\n"
        "memory = Memory(Path(sys.argv[1]), 'key')\n"
        "print(sum(not memory.take_slot('198.51.100.7', f'{sys.argv[2]} {n}', 7) for n in range(10)))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "memory.sqlite3"), str(number)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(3)
    ]
    assert sum(int(process.communicate()[0]) for process in started) == 7


def test_the_file_holds_no_address_and_is_for_its_owner_alone(memory: Memory, tmp_path: Path) -> None:
    memory.take_slot("198.51.100.7", "s", 1)
    path = tmp_path / "memory.sqlite3"
    assert b"198.51.100.7" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_token_belongs_to_the_submission_that_used_it(memory: Memory) -> None:
    assert not memory.passed("token")
    assert memory.use_token("token", "first", 60)
    assert memory.passed("token")
    assert memory.use_token("token", "first", 60)
    assert not memory.use_token("token", "second", 60)


def test_a_token_of_which_nothing_came_can_be_used_again(memory: Memory) -> None:
    memory.use_token("token", "first", 60)
    memory.release_token("token", "somebody else's")
    assert not memory.use_token("token", "second", 60)
    memory.release_token("token", "first")
    assert memory.passed("token")
    assert memory.use_token("token", "second", 60)


def test_of_many_who_send_one_token_at_once_one_gets_it(memory: Memory) -> None:
    with ThreadPoolExecutor(8) as crowd:
        used = list(crowd.map(lambda number: memory.use_token("token", f"s{number}", 60), range(20)))
    assert used.count(True) == 1


def test_a_used_token_is_remembered_as_long_as_it_could_come_again(
    memory: Memory, clock: time_machine.Traveller
) -> None:
    memory.use_token("token", "first", 1_260)
    clock.shift(timedelta(seconds=601))
    assert not memory.passed("token")
    assert not memory.use_token("token", "second", 1_260)
    clock.shift(timedelta(seconds=660))
    assert memory.use_token("token", "second", 1_260)


def test_a_file_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "memory.sqlite3").write_text("This is no database, and long enough to be seen as none. " * 20)
    with pytest.raises(ConfigError, match=r"memory.sqlite3 cannot be used: file is not a database"):
        Memory(tmp_path / "memory.sqlite3", "key")
