"""SQLite's file is read through now and then: damage is found, told of, and over when the file is sound again."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from stagewise.worker.soundness import Soundness
from tests.support.installation import LEAD, Installation
from tests.support.waiting import eventually

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

#: Tables that many leads would fill, with their indexes; and one that nothing reads as long as nobody imports.
FULL, UNUSED = ("lead", "attempt", "hit", "event"), "import_line"


@pytest.fixture
def file(installation: Installation) -> Path:
    """The database's file, with nothing left in its log."""
    path = installation.data_dir / "stagewise.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def roots(file: Path, *tables: str) -> Iterator[int]:
    """Where in the file the first page of each of these tables and of its indexes begins."""
    with closing(sqlite3.connect(file)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        rows = database.execute("SELECT tbl_name, rootpage FROM sqlite_schema WHERE rootpage > 0").fetchall()
    return ((page - 1) * size for table, page in rows if table in tables)


def spoil(file: Path, place: int) -> bytes:
    """Write nonsense there; returns what was there before."""
    with file.open("rb+") as opened:
        opened.seek(place)
        before = opened.read(8)
        opened.seek(place)
        opened.write(b"nonsense")
    return before


def mend(file: Path, place: int, before: bytes) -> None:
    """Write back what was there."""
    with file.open("rb+") as opened:
        opened.seek(place)
        opened.write(before)


def look(soundness: Soundness) -> str | None:
    """Read the file through, without a pause between tables."""
    soundness.look(threading.Event())
    return soundness.problem


def test_damage_is_found_wherever_it_is_and_a_sound_file_is_sound(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stagewise.worker.soundness.REST", 0.0)
    soundness = Soundness(file)
    assert soundness.problem is None
    assert look(soundness) == ""
    places = list(roots(file, *FULL, UNUSED))
    assert len(places) > 10
    for place in places:
        before = spoil(file, place)
        assert look(soundness), place
        mend(file, place, before)
    assert look(soundness) == ""


def test_what_is_no_database_at_all_is_damaged(file: Path) -> None:
    file.write_bytes(b"something else altogether" * 1_000)
    assert look(Soundness(file)) == "file is not a database"


def test_a_reading_that_is_cut_short_says_nothing(file: Path) -> None:
    spoil(file, next(roots(file, "lead")))
    soundness, stop = Soundness(file), threading.Event()
    stop.set()
    soundness.look(stop)
    assert soundness.problem is None


def test_a_file_that_cannot_be_opened_is_not_called_damaged(file: Path) -> None:
    file.unlink()
    soundness = Soundness(file)
    with pytest.raises(sqlite3.OperationalError):
        look(soundness)
    assert soundness.problem is None


@pytest.mark.soak
def test_a_worker_tells_of_damage_that_nobody_has_come_upon(installation: Installation, file: Path) -> None:
    spoil(file, next(roots(file, UNUSED)))
    server = installation.serve()
    assert server.post_lead(name=LEAD["name"]).status == 201
    eventually(lambda: "the database's file is damaged" in server.output, 120)
    eventually(lambda: installation.count("alert", "kind = 'damaged' AND resolved_at IS NULL"), 120)
