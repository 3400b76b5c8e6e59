"""``stagewise backup`` and ``stagewise restore`` on SQLite, through the command and a running installation."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.support.double import Call, plain, serving
from tests.support.installation import Installation, Server
from tests.support.processes import Answer
from tests.support.waiting import eventually

LOOPBACK = "127.0.0.0/8"

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


def fresh(tmp_path: Path, name: str = "restored") -> Installation:
    """A data directory in which there is nothing, on a machine that knows no secret key."""
    return Installation(tmp_path / name, None, secret_key="")


def refusal(installation: Installation, *arguments: str) -> str:
    done = installation.stagewise(*arguments, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@contextmanager
def posting(server: Server, acknowledged: list[str]) -> Iterator[None]:
    """Post leads from four threads; the ids of those that were answered 201 are in the list."""
    stop = threading.Event()

    def post() -> None:
        while not stop.is_set():
            answer = server.post_lead()
            assert answer.status == 201, answer
            acknowledged.append(str(answer.json()["id"]))
            stop.wait(0.03)

    threads = [threading.Thread(target=post) for _ in range(4)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()


def missing_from(restored: Installation, acknowledged: set[str]) -> set[str]:
    """Those of these leads that the installation does not have."""
    there = {str(row[0]).replace("-", "") for row in restored.sql("SELECT public_id FROM lead")}
    return {each for each in acknowledged if each.replace("-", "") not in there}


def backups_under_load_are_whole(installation: Installation, folder: Path, times: int) -> None:
    installation.set_endpoint(max_leads_per_ip=None)
    server = installation.intake()
    acknowledged: list[str] = []
    with posting(server, acknowledged):
        for number in range(times):
            before = set(acknowledged)
            data = folder / str(number)
            installation.stagewise("backup", f"{data}.backup")
            restored = Installation(data, None, installation.secret_key)
            restored.stagewise("restore", f"{data}.backup")
            missing = missing_from(restored, before)
            assert not missing
            assert restored.sql("PRAGMA integrity_check") == [("ok",)]
    assert len(acknowledged) > 20


def test_every_lead_acknowledged_before_a_backup_is_in_it(installation: Installation, tmp_path: Path) -> None:
    backups_under_load_are_whole(installation, tmp_path, 2)


@pytest.mark.soak
def test_every_lead_acknowledged_before_each_of_twenty_backups_is_in_it(
    installation: Installation, tmp_path: Path
) -> None:
    backups_under_load_are_whole(installation, tmp_path, 20)


def test_a_lead_that_came_after_the_backup_is_found_missing(installation: Installation, tmp_path: Path) -> None:
    server = installation.intake()
    kept = str(server.post_lead().json()["id"])
    installation.stagewise("backup", str(tmp_path / "one.backup"))
    later = str(server.post_lead().json()["id"])
    restored = Installation(tmp_path / "restored", None, installation.secret_key)
    restored.stagewise("restore", str(tmp_path / "one.backup"))
    assert missing_from(restored, {kept, later}) == {later}


def test_a_backup_is_its_owners_alone_and_says_what_is_in_it(installation: Installation, tmp_path: Path) -> None:
    installation.intake().post_lead()
    path = tmp_path / "one.backup"
    told = installation.json("backup", str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert (told["engine"], told["counts"]["lead"], told["counts"]["workspace"]) == ("sqlite", 1, 1)
    assert list(tmp_path.glob(".stagewise-backup-*")) == []
    assert "exists already" in refusal(installation, "backup", str(path))


def test_nothing_is_sent_after_a_restore_until_somebody_says_so(installation: Installation, tmp_path: Path) -> None:
    calls: list[Call] = []
    arrived = threading.Event()

    def answer(call: Call) -> Answer:
        calls.append(call)
        arrived.set()
        return plain(200, "")

    path = tmp_path / "one.backup"
    with serving(answer) as port:
        url = f"http://127.0.0.1:{port}/hook"
        installation.stagewise("channel", "add", "webhook", "CRM", url, outbound_allow=LOOPBACK)
        installation.intake().post_lead()
        installation.stagewise("backup", str(path))
        restored = Installation(tmp_path / "restored", None, installation.secret_key)
        restored.stagewise("restore", str(path))
        [channel] = restored.json("channel", "list")
        assert (channel["paused"], channel["paused_because"][:22]) == (True, "Restored from a backup")
        try:
            restored.start("worker", outbound_allow=LOOPBACK)
            eventually(lambda: restored.count("delivery", "state = 'waiting'") == 1)
            assert calls == []
            restored.stagewise("channel", "resume", "--restored")
            assert arrived.wait(30)
        finally:
            restored.close()


def test_a_channel_that_was_paused_before_the_backup_stays_paused(installation: Installation, tmp_path: Path) -> None:
    installation.stagewise("channel", "add", "webhook", "CRM", "http://127.0.0.1:9999/", outbound_allow=LOOPBACK)
    installation.sql("UPDATE channel SET paused_at = 1, paused_because = 'Somebody paused it.'")
    path = tmp_path / "one.backup"
    installation.stagewise("backup", str(path))
    restored = Installation(tmp_path / "restored", None, installation.secret_key)
    restored.stagewise("restore", str(path))
    assert restored.json("channel", "resume", "--restored") == []
    assert restored.json("channel", "list")[0]["paused_because"] == "Somebody paused it."
    assert not restored.json("channel", "resume", "CRM")[0]["paused"]


def damage_is_refused(installation: Installation, tmp_path: Path, places: int) -> None:
    path = tmp_path / "one.backup"
    installation.stagewise("backup", str(path))
    whole = path.read_bytes()
    chance = random.Random(1)
    for number in range(places):
        place = number if number < 5 else chance.randrange(len(whole))
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        said = refusal(fresh(tmp_path), "restore", str(path))
        assert "damaged" in said, (place, said)
        assert not (tmp_path / "restored" / "stagewise.sqlite3").exists()
    path.write_bytes(whole[:-1])
    assert "damaged" in refusal(fresh(tmp_path), "restore", str(path))
    path.write_bytes(whole)
    Installation(tmp_path / "restored", None, installation.secret_key).stagewise("restore", str(path))


def test_a_backup_with_one_bit_changed_is_refused(installation: Installation, tmp_path: Path) -> None:
    damage_is_refused(installation, tmp_path, 20)


@pytest.mark.soak
def test_a_backup_with_one_bit_changed_is_refused_at_a_hundred_places(
    installation: Installation, tmp_path: Path
) -> None:
    damage_is_refused(installation, tmp_path, 100)


def test_a_file_of_another_kind_is_refused(installation: Installation, tmp_path: Path) -> None:
    assert "no backup of Stagewise" in refusal(
        fresh(tmp_path), "restore", str(installation.data_dir / "stagewise.sqlite3")
    )
    assert "No such file" in refusal(fresh(tmp_path), "restore", str(tmp_path / "none"))


def test_a_database_that_is_damaged_is_not_backed_up(installation: Installation, tmp_path: Path) -> None:
    installation.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database = installation.data_dir / "stagewise.sqlite3"
    with closing(sqlite3.connect(database)) as opened:
        page = opened.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'workspace'").fetchone()[0]
        size = opened.execute("PRAGMA page_size").fetchone()[0]
    with database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    refusal(installation, "backup", str(tmp_path / "one.backup"))
    assert list(tmp_path.glob("*.backup")) == []


def test_a_backup_of_a_newer_release_is_refused(installation: Installation, tmp_path: Path) -> None:
    installation.sql("INSERT INTO django_migrations (app, name, applied) VALUES ('leads', '9999_later', '2030-01-01')")
    path = tmp_path / "one.backup"
    installation.stagewise("backup", str(path))
    assert "newer" in refusal(Installation(tmp_path / "r", None, installation.secret_key), "restore", str(path))
    assert not (tmp_path / "r" / "stagewise.sqlite3").exists()


def test_what_is_there_is_moved_aside_only_when_asked_for(installation: Installation, tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    installation.stagewise("backup", str(path))
    server = installation.serve()
    server.post_lead()
    assert "is running" in refusal(installation, "restore", str(path), "--move-aside")
    server.end()
    assert "--move-aside" in refusal(installation, "restore", str(path))
    assert installation.count("lead") == 1
    installation.stagewise("restore", str(path), "--move-aside")
    assert installation.count("lead") == 0
    [aside] = installation.data_dir.glob("before-restore-*")
    with closing(sqlite3.connect(aside / "stagewise.sqlite3")) as old:
        assert old.execute("SELECT count(*) FROM lead").fetchone() == (1,)


def test_only_the_newest_are_kept_in_a_folder(installation: Installation, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    for day in range(1, 4):
        (folder / f"stagewise-2020-01-0{day}T000000Z.backup").touch()
    (folder / "mine.backup").touch()
    installation.stagewise("backup", str(folder), "--keep", "2")
    kept = sorted(each.name for each in folder.iterdir())
    assert kept[:2] == ["mine.backup", "stagewise-2020-01-03T000000Z.backup"]
    assert len(kept) == 3
    assert "no folder" in refusal(installation, "backup", str(tmp_path / "file"), "--keep", "2")
