"""Health and metrics of console and worker."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from stagewise import health, locality, settings
from stagewise.site.health import WithHealth
from tests.support.installation import Installation
from tests.support.postgres import Cluster
from tests.support.waiting import eventually

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def chosen(installation: Installation) -> settings.Settings:
    return settings.load(installation.environment())


def asking(installation: Installation) -> contextlib.closing[health.Health]:
    return contextlib.closing(health.Health(chosen(installation), CollectorRegistry()))


def status(installation: Installation, path: str, local: bool = True) -> int | None:
    with asking(installation) as asked:
        answer = asked.answer(path, local=local)
    return answer.status if answer else None


def test_a_process_is_ready_while_its_database_takes_writes(installation: Installation) -> None:
    with asking(installation) as asked:
        assert [asked.ready() for _ in range(3)] == [True, True, True]


def test_metrics_are_for_this_machine_alone(installation: Installation) -> None:
    assert status(installation, "/metrics") == 200
    assert status(installation, "/metrics", local=False) is None
    assert status(installation, "/healthz", local=False) == 200
    assert status(installation, "/anything") is None


def test_a_missing_database_is_not_ready_but_alive(tmp_path: Path) -> None:
    installation = Installation(tmp_path / "none", None)
    assert status(installation, "/readyz") == 503
    assert status(installation, "/healthz") == 200
    assert not (installation.data_dir / "stagewise.sqlite3").exists()


def test_readiness_follows_the_database_down_and_up(own_postgres: tuple[Cluster, Installation]) -> None:
    cluster, installation = own_postgres
    with asking(installation) as asked:
        assert asked.ready()
        cluster.kill()
        # The process at the other end of our connection outlives its server for as long as it takes to notice.
        eventually(lambda: not asked.ready())
        cluster.start()
        # The first question may still meet the broken connection.
        eventually(asked.ready)


@only_sqlite
def test_a_stuck_writer_makes_it_not_ready_rather_than_silent(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "PATIENCE_S", 0.2)
    writers = installation.data_dir / "stagewise.sqlite3.writers"
    with asking(installation) as asked, writers.open("w") as queue:
        fcntl.flock(queue, fcntl.LOCK_EX)
        assert not asked.ready()
        assert not asked.ready()  # answered at once: the first question still waits
        fcntl.flock(queue, fcntl.LOCK_UN)
        eventually(asked.ready)


@pytest.mark.parametrize(
    ("address", "headers", "local"),
    [
        ("127.0.0.1", [], True),
        ("127.8.9.1", ["host"], True),
        ("::1", [], True),
        ("::ffff:127.0.0.1", [], True),
        ("127.0.0.1", ["x-forwarded-for"], False),
        ("127.0.0.1", ["forwarded"], False),
        ("::1", ["via"], False),
        ("192.0.2.1", [], False),
        ("::ffff:192.0.2.1", [], False),
        ("", [], False),
        (None, [], False),
        ("localhost", [], False),
    ],
)
def test_who_sits_on_this_machine(address: str | None, headers: list[str], local: bool) -> None:
    assert locality.is_local(address, headers) is local


@only_sqlite
def test_the_console_answers_health_for_any_host_and_hands_on_the_rest(installation: Installation) -> None:
    def pages(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("302 Found", [("Location", "/login/")])
        return [environ["PATH_INFO"].encode()]

    console = WithHealth(pages, chosen(installation))

    def ask(path: str, **more: str) -> tuple[str, bytes]:
        said: list[str] = []
        environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "REMOTE_ADDR": "127.0.0.1", **more}
        body = b"".join(console(environ, lambda status, headers: said.append(status)))
        return said[0], body

    assert ask("/healthz", HTTP_HOST="10.1.2.3") == ("200 OK", b"ok\n")
    assert ask("/readyz", HTTP_HOST="10.1.2.3") == ("200 OK", b"ready\n")
    assert ask("/readyz", REQUEST_METHOD="HEAD") == ("200 OK", b"")
    assert ask("/leads/") == ("302 Found", b"/leads/")
    assert ask("/metrics", HTTP_X_FORWARDED_FOR="127.0.0.1") == ("302 Found", b"/metrics")
    metrics = ask("/metrics")[1]
    console.close()
    assert b'stagewise_console_answers_total{status="302"} 2.0' in metrics
    assert b"process_open_fds" in metrics
