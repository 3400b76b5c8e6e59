"""The log: one JSON object a line, and nobody waits for whoever reads it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.installation import Installation
from tests.support.processes import request
from tests.support.waiting import eventually

FLOOD = """
from stagewise import log
import os
log.configure("test")
lines = log.Log("flood")
for number in range(30_000):
    lines.info("a line", number=number, filler="x" * 200)
print("done", flush=True)
os._exit(0)
"""
CLOSED = """
import os, sys
os.close(2)
from stagewise import log
log.configure("test")
log.Log("x").info("nobody can read this")
print("done")
"""
WRITTEN = """
from stagewise import log
log.configure("test")
log.Log("x").warning("two\\nlines", text="\\u202e\\x1b[31m", number=5)
log.Log("x").info("the last one")
"""


def test_a_reader_that_reads_nothing_holds_up_nobody() -> None:
    process = subprocess.Popen([sys.executable, "-c", FLOOD], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"done\n"
    assert process.wait(30) == 0
    process.communicate()


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], stdout=subprocess.PIPE, check=True, timeout=60)
    assert done.stdout == b"done\n"


def test_what_was_logged_is_written_before_the_process_ends() -> None:
    done = subprocess.run([sys.executable, "-c", WRITTEN], capture_output=True, text=True, check=True, timeout=60)
    first, last = map(json.loads, done.stderr.splitlines())
    assert (first["event"], first["level"], first["number"]) == ("two\nlines", "warning", 5)
    assert last["event"] == "the last one"
    assert "\x1b" not in done.stderr


@pytest.fixture
def lines(installation: Installation) -> list[dict[str, object]]:
    """What a lane logged of a refused call, a created one, and one with an IPv6 caller's network."""
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    lane = installation.intake()
    lane.post_lead(name="Secret Name", message="secret message")
    lane.post_lead(email="nowhere", name="Secret Name")
    lane.terminate()
    found = [json.loads(line) for line in lane.output.splitlines() if line.startswith("{")]
    assert "Secret" not in lane.output
    assert "secret message" not in lane.output
    return [line for line in found if line["event"] in {"refused", "answered"}]


def test_a_refused_call_is_one_line_without_its_content(
    lines: list[dict[str, object]], installation: Installation
) -> None:
    answered, refused = lines
    assert (answered["event"], answered["outcome"]) == ("answered", "created")
    assert (refused["event"], refused["outcome"]) == ("refused", "invalid_fields")
    assert refused["network"] == "127.0.0.0/24"
    assert refused["endpoint"] == installation.key[:6]
    assert refused["request_id"]


def test_console_and_worker_are_heard_as_well_as_the_lane(installation: Installation) -> None:
    server = installation.serve()
    host = {"Host": f"127.0.0.1:{server.console_port}"}
    assert request(server.console_port, "POST", "/login/", b"", host).status == 403
    strange = {"Host": "stranger.example"}
    assert request(server.console_port, "GET", "/login/", headers=strange).status == 400
    assert server.post_lead(email="nowhere").status == 422

    def heard() -> set[object]:
        return {json.loads(line)["process"] for line in server.output.splitlines() if line.startswith("{")}

    eventually(lambda: heard() >= {"intake", "console", "worker"})
    assert "stranger.example" not in server.output
