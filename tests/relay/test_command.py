"""``stagewise-relay`` and ``stagewise relay``: real processes, real connections."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import Spool

from tests.relay.conftest import ADA
from tests.relay.double import Endpoint
from tests.support.waiting import eventually

STAGEWISE_RELAY = [sys.executable, "-c", "from stagewise_client.relay.command import main; main()"]
STAGEWISE = [sys.executable, "-m", "stagewise", "relay"]
URL = "https://leads.example.com/public/v1/leads/dGhpc0lzTm9SZWFsS2V5"


def environment(**settings: str) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("STAGEWISE_")}
    return plain | {f"STAGEWISE_RELAY_{name.upper()}": value for name, value in settings.items()}


def run(command: list[str], *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, *arguments], env=environment(**settings), capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("settings", "arguments", "line"),
    [
        ({}, [], "the relay needs the endpoint's URL, which the console shows: set STAGEWISE_RELAY_URL"),
        ({"url": URL, "origin": "x"}, [], "STAGEWISE_RELAY_ORIGIN is no setting of the relay; did you mean STAGEWISE_"),
        ({"url": URL}, ["--captcha", "turnstyle"], "unknown CAPTCHA provider 'turnstyle', did you mean 'turnstile'?"),
        ({"url": URL, "port": "http"}, [], "STAGEWISE_RELAY_PORT is a whole number from 1 to 65,535, not 'http'"),
        ({"url": URL, "data_dir": "/proc/relay"}, [], "the relay's directory /proc/relay cannot be used: "),
        ({"url": URL}, ["--limit", "0"], "the limit is a number from 1 to 100,000, or none, not 0"),
    ],
)
def test_a_bad_setting_is_one_clear_line_and_exit_code_2(
    settings: dict[str, str], arguments: list[str], line: str, tmp_path: Path
) -> None:
    done = run(STAGEWISE_RELAY, *arguments, **({"data_dir": str(tmp_path)} | settings))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"stagewise-relay: {line}")
    assert done.stderr.count("\n") == 1


def test_it_is_a_command_of_stagewise_too(tmp_path: Path) -> None:
    done = run(STAGEWISE, data_dir=str(tmp_path))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("stagewise: the relay needs the endpoint's URL")
    assert "Take a website's form" in run(STAGEWISE, "--help").stdout


def test_an_unknown_option_is_one_clear_line() -> None:
    done = run(STAGEWISE_RELAY, "--orgins", "x")
    assert done.returncode == 2
    assert done.stderr == (
        "stagewise-relay: No such option '--orgins'. Did you mean '--origins'? (see `stagewise-relay --help`)\n"
    )


def test_the_settings_can_be_checked_without_serving(tmp_path: Path) -> None:
    done = run(STAGEWISE_RELAY, "--check", url=URL, data_dir=str(tmp_path / "relay"))
    assert (done.returncode, done.stdout) == (0, "the settings can be used\n")


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run(STAGEWISE_RELAY, url=URL, data_dir=str(tmp_path), port=port)
    assert (done.returncode, done.stderr) == (
        2,
        f"stagewise-relay: cannot listen on 127.0.0.1 port {port}: Address already in use\n",
    )


class Served:
    """A relay that runs as a process of its own."""

    def __init__(self, port: int, log: Path, process: subprocess.Popen[bytes]) -> None:
        self.url, self.log, self.process = f"http://127.0.0.1:{port}", log, process

    def send(self, fields: dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        named = {"Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        request = urllib.request.Request(f"{self.url}/", json.dumps(fields).encode(), named)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.load(refusal)

    def lines(self) -> list[dict[str, Any]]:
        """The log; every line of it is a JSON object."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def serve(tmp_path: Path, endpoint: Endpoint) -> Callable[..., Any]:
    @contextmanager
    def serving(**settings: str) -> Iterator[Served]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        chosen = {"url": endpoint.url, "data_dir": str(tmp_path / "relay"), "captcha": "none", "port": str(port)}
        log = tmp_path / "relay.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(STAGEWISE_RELAY, env=environment(**chosen, **settings), stderr=sink, stdout=sink)
        served = Served(port, log, process)
        try:
            _wait_for(f"{served.url}/health", process)
            yield served
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0

    return serving


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(400):
        assert process.poll() is None, "the relay has ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    pytest.fail("the relay does not answer")


def test_a_relay_serves_forms_logs_json_lines_and_ends_when_it_is_told_to(
    serve: Callable[..., Any], endpoint: Endpoint
) -> None:
    with serve() as relay:
        assert relay.send(ADA)[0] == 201
        assert relay.send({})[1]["code"] == "missing_fields"
    assert len(endpoint.calls) == 1
    lines = relay.lines()
    assert lines[0]["event"] == "listening"
    outcomes = [line["outcome"] for line in lines if line["event"] == "submission"]
    assert outcomes == ["created", "refused"]
    assert all(line["at"].endswith("Z") for line in lines)
    assert endpoint.url not in relay.log.read_text()


def test_the_limit_is_exact_over_several_processes(serve: Callable[..., Any], endpoint: Endpoint) -> None:
    with serve(workers="2", limit="3", trusted_proxies="127.0.0.1") as relay:
        visitor = {"X_Forwarded_For": "198.51.100.7"}
        statuses = [relay.send(ADA | {"message": str(number)}, **visitor)[0] for number in range(12)]
        assert relay.send(ADA, X_Forwarded_For="198.51.100.8")[0] == 201
    assert sorted(statuses) == [201] * 3 + [429] * 9
    assert len(endpoint.calls) == 4


@pytest.mark.slow
def test_a_lead_outlives_a_restarted_relay_and_a_stagewise_that_was_away(
    serve: Callable[..., Any], endpoint: Endpoint, tmp_path: Path
) -> None:
    endpoint.refuse(503, "unavailable", {"Retry-After": "1"})
    with serve() as relay:
        assert relay.send(ADA)[0] == 202
    assert len(Spool(tmp_path / "relay" / "spool.sqlite3")) == 1
    before = len(endpoint.calls)
    endpoint.answer = None
    with serve():
        eventually(lambda: len(endpoint.calls) > before, within=60)
    assert len({call.headers["idempotency-key"] for call in endpoint.calls}) == 1
