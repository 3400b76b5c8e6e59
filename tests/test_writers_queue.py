"""Console and worker queue for SQLite's write lock with the lane, and a lead does not wait behind all their threads."""

from __future__ import annotations

import copy
import fcntl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from django.db import connections
from pytest_django import DjangoDbBlocker

from stagewise.site.sqlite3_queued.base import DatabaseWrapper
from stagewise.store.sqlite import lock_file
from tests.support.waiting import eventually

THREADS = 8


def connected(file: Path) -> DatabaseWrapper:
    """A connection of its own to this file."""
    wanted = copy.deepcopy(connections["default"].settings_dict)
    return DatabaseWrapper({**wanted, "NAME": str(file)}, "writers")


@pytest.fixture
def may_connect(django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """To files of our own; the database of the other tests is not needed."""
    with django_db_blocker.unblock():
        yield


@pytest.mark.usefixtures("may_connect")
def test_a_lead_waits_for_one_transaction_and_not_for_one_of_each_thread(tmp_path: Path) -> None:
    file = tmp_path / "stagewise.sqlite3"
    begun: list[int] = []
    over = threading.Event()

    def write(number: int) -> None:
        connection = connected(file)
        while not over.is_set():
            connection.set_autocommit(False, force_begin_transaction_with_broken_autocommit=True)
            begun.append(number)
            time.sleep(0.01)
            connection.commit()
            connection.set_autocommit(True)
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    try:
        eventually(lambda: len(set(begun)) > 1)
        waited_for = []
        with lock_file(file).open("rb+") as lane:
            for _ in range(15):
                before = len(begun)
                fcntl.flock(lane, fcntl.LOCK_EX)
                waited_for.append(len(begun) - before)
                fcntl.flock(lane, fcntl.LOCK_UN)
                time.sleep(0.005)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    # Between our look and our place in the queue one may have begun; now and then more, when the machine is busy.
    assert median(waited_for) <= 1, waited_for
    assert len(begun) > len(waited_for)
