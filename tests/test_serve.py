"""``stagewise serve`` as its users meet it: real processes, real signals, real kills."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from stagewise import filesystems, settings
from stagewise.serve import state
from tests.support import processes
from tests.support.installation import Installation
from tests.support.processes import Process, request
from tests.support.waiting import eventually

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"])


def child(server: Process, name: str) -> int:
    """The process id of the supervisor's child of this name."""
    [only] = found(server, name)
    return only


def found(server: Process, name: str) -> list[int]:
    """Its process id, or none while it is away."""
    children = server.children().items()
    return [pid for pid, line in children if f" stagewise {name} " in f"{line} " and parent_of(pid) == server.pid]


def parent_of(pid: int) -> int | None:
    """Its parent's process id, or none when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except FileNotFoundError:
        return None


# The first start


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_start_says_when_the_database_goes_with_the_container(installation: Installation) -> None:
    server = installation.serve()
    server.wait_for_output("Try it:")
    goes = filesystems.warning(filesystems.kind_of(installation.data_dir))
    assert ("Not for real leads" in server.output) == bool(goes)
    assert goes in server.output


@pytest.mark.slow
def test_the_first_start_prints_a_curl_line_that_works_as_printed(empty_installation: Installation) -> None:
    server = empty_installation.serve()
    server.wait_for_output("curl")
    [line] = re.findall(r"^ *curl .*$", server.output, re.MULTILINE)
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("HTTP/1.1 201 "), done.stdout
    assert empty_installation.count("lead") == 1

    [link] = re.findall(r"http://127\.0\.0\.1:(\d+)(/setup/\S+)", server.output)
    assert int(link[0]) == server.console_port
    assert request(server.console_port, "GET", link[1]).status == 200
    [endpoint] = re.findall(r"Endpoint +(\S+)", server.output)
    [found] = empty_installation.json("endpoint", "list")
    assert endpoint == found["url"]
    assert found["allowed_ips"] == ["127.0.0.1", "::1"]
    assert (found["allow_all_ips"], found["max_leads_per_ip"]) == (False, 10)


@pytest.mark.slow
@only_sqlite
def test_a_later_start_renews_the_link_until_somebody_can_log_in(installation: Installation) -> None:
    def links() -> list[str]:
        server = installation.serve()
        server.wait_for_output("Endpoint")
        assert server.terminate() == 0
        return re.findall(r"/setup/\S+", server.output)

    first, second = links(), links()
    assert len(first) == len(second) == 1
    assert first != second
    installation.stagewise("user", "add", "a@example.com", "--role", "owner", "--password-stdin", stdin="a long phrase")
    assert links() == []


@pytest.mark.slow
def test_postgres_is_set_up_by_the_first_start_too(installation: Installation) -> None:
    server = installation.serve()
    assert server.post_lead().status == 201
    eventually(lambda: installation.count("lead", "derived_at IS NOT NULL") == 1)
    eventually(lambda: installation.count("event", "dispatched_at IS NOT NULL") == 1)
    for port in (server.port, server.console_port):
        assert request(port, "GET", "/healthz").body == b"ok\n"
        assert request(port, "GET", "/readyz").status == 200
        assert b"process_resident_memory_bytes" in request(port, "GET", "/metrics").body or port == server.port
        forwarded = request(port, "GET", "/metrics", headers={"X-Forwarded-For": "127.0.0.1"})
        assert forwarded.status in {302, 404}
    assert b"200" in ask_worker(installation, "/readyz")
    assert b"stagewise_worker_rows_total" in ask_worker(installation, "/metrics")
    assert server.terminate() == 0


def ask_worker(installation: Installation, path: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(installation.data_dir / "worker.sock"))
        connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65_536), b""))


@only_sqlite
def test_console_and_worker_step_back_for_the_lane(installation: Installation) -> None:
    server = installation.serve()
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    lowest = {}
    for name in ("intake", "console", "worker"):
        # Of each thread, since each has a niceness of its own; the worker has one that steps back further.
        threads = [int(entry.name) for entry in Path(f"/proc/{child(server, name)}/task").iterdir()]
        lowest[name] = min(os.getpriority(os.PRIO_PROCESS, each) for each in threads)
    assert lowest == {"intake": ours, "console": min(ours + 10, 19), "worker": min(ours + 10, 19)}


# The end


@pytest.mark.slow
@only_sqlite
def test_a_slow_request_is_finished_before_the_end(installation: Installation) -> None:
    server = installation.serve()
    body = json.dumps({"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}).encode()
    with socket.create_connection(("127.0.0.1", server.port), 15) as connection:
        head = (
            f"POST /public/v1/leads/{installation.key} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode() + body[:10])
        time.sleep(0.3)
        server.popen.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        connection.sendall(body[10:])
        assert connection.recv(65_536).startswith(b"HTTP/1.1 201")
    assert server.wait(11) == 0
    assert installation.count("lead") == 1


@pytest.mark.slow
@only_sqlite
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_every_polite_signal_ends_all_processes(installation: Installation, number: signal.Signals) -> None:
    server = installation.serve(workers=2)
    known = server.children()
    assert len(known) >= 6
    server.popen.send_signal(number)
    assert server.wait(11) == 0
    assert server.children() == {}
    assert "WARNING" not in server.output.upper()


@pytest.mark.slow
@only_sqlite
def test_a_child_that_does_not_listen_is_killed_in_time(installation: Installation) -> None:
    server = installation.serve()
    os.kill(child(server, "worker"), signal.SIGSTOP)
    server.popen.send_signal(signal.SIGTERM)
    assert server.wait(11) == 0
    assert server.children() == {}


# Deaths


@only_sqlite
def test_a_killed_child_comes_back_with_one_warning(installation: Installation) -> None:
    server = installation.serve()
    names = ["intake", "console", "worker"]
    before = {name: child(server, name) for name in names}
    for name in names:
        os.kill(before[name], signal.SIGKILL)
        eventually(lambda name=name: f"{name} died" in server.output)  # type: ignore[misc]
    for name in names:
        eventually(lambda name=name: found(server, name) not in ([], [before[name]]))  # type: ignore[misc]
    server.wait_for(server.port)
    server.wait_for(server.console_port)
    assert server.post_lead().status == 201
    warnings = [json.loads(line) for line in server.output.splitlines() if '"warning"' in line]
    assert [warning["event"] for warning in warnings] == [f"{name} died, starting it again" for name in names]
    assert [warning["seconds"] for warning in warnings] == [1.0] * 3


@pytest.mark.slow
@only_sqlite
def test_a_killed_worker_of_the_lane_comes_back_without_the_supervisor(installation: Installation) -> None:
    server = installation.serve()
    master = child(server, "intake")
    [worker] = [pid for pid in server.children() if parent_of(pid) == master]
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: [pid for pid in server.children() if parent_of(pid) == master] not in ([], [worker]))
    server.wait_for(server.port)
    assert server.post_lead().status == 201
    assert child(server, "intake") == master


@only_sqlite
@pytest.mark.slow
def test_the_fifth_death_within_a_minute_ends_serve(installation: Installation) -> None:
    server = installation.serve()
    seen: set[int] = set()

    def kill_the_next() -> bool:
        for pid, command in server.children().items():
            if " stagewise worker " in command + " " and pid not in seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    for _ in range(5):
        eventually(kill_the_next, within=30)
    assert server.wait(15) == 1
    assert server.children() == {}
    pauses = [json.loads(line)["seconds"] for line in server.output.splitlines() if '"warning"' in line]
    assert pauses == [1.0, 2.0, 4.0, 8.0]
    assert "giving up" in server.output


@pytest.mark.slow
@only_sqlite
def test_nobody_outlives_a_killed_supervisor(installation: Installation) -> None:
    server = installation.serve(workers=2)
    known = server.children()
    server.kill()
    eventually(lambda: processes.members(server.pid) == {}, within=3)
    assert len(known) >= 6
    # The next start needs no help, and meets nobody.
    again = installation.serve(workers=2)
    assert again.post_lead().status == 201


@only_sqlite
def test_nobody_outlives_a_killed_master_of_the_lane(installation: Installation) -> None:
    server = installation.intake(workers=2)
    assert len(server.children()) >= 2
    server.kill()
    eventually(lambda: processes.members(server.pid) == {}, within=3)


@pytest.mark.slow
@only_sqlite
def test_a_killed_group_loses_nothing_that_was_answered(installation: Installation) -> None:
    installation.save_rules(max_leads_per_ip=None)
    answered = set()
    for _ in range(2):
        server = installation.serve()
        answered |= {server.post_lead().json()["id"] for _ in range(20)}
        server.kill_all()
    stored = {row[0].replace("-", "") for row in installation.sql("SELECT public_id FROM lead")}
    assert {each.replace("-", "") for each in answered} <= stored


# What state the database is in, found out without Django


def test_the_list_of_migrations_is_djangos_own() -> None:
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection, load=False)
    loader.load_disk()
    assert loader.disk_migrations is not None
    assert state.on_disk() == set(loader.disk_migrations)


def test_a_finished_database_is_recognised(installation: Installation) -> None:
    chosen = settings_of(installation)
    found = state.look(chosen)
    assert found == state.State(current=True, has_member=False, endpoint_key=installation.key, loopback_allowed=True)
    installation.save_rules(allowed_ips=["192.0.2.1"])
    assert not state.look(chosen).loopback_allowed


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM django_migrations WHERE app = 'leads'",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('leads', '9999', '2030-01-01')",
        "DELETE FROM installation",
        "UPDATE installation SET key_fingerprint = 'other'",
        "UPDATE installation SET schema_version = schema_version + 1",
        "DROP TABLE django_migrations",
    ],
)
def test_an_unfinished_database_is_left_to_migrate(installation: Installation, change: str) -> None:
    installation.sql(change)
    assert not state.look(settings_of(installation)).current


def settings_of(installation: Installation) -> settings.Settings:
    return settings.load(installation.environment())
