"""The commands of the guide work as pasted: only the placeholder is replaced by an endpoint's URL."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from stagewise import samples
from tests.support.installation import Installation, Server, make, remove
from tests.support.shared import ROOT

#: File below docs/ → the status of each of its commands that call the endpoint, in order.
STATUSES = {
    "api.md": [201],
    "testing.md": [201, 503],
    "guide/duplicates.md": [201],
    "guide/setup.md": [201],
    "guide/testing.md": [422, 429, 204],
    "guide/visitors.md": [201],
}


def commands(file: str) -> list[str]:
    """The shell commands of a page that call the endpoint with curl."""
    blocks = re.findall(r"^```sh\n(.+?)^```", (ROOT / "docs" / file).read_text(), re.MULTILINE | re.DOTALL)
    return [block.rstrip() for block in blocks if block.startswith("curl") and samples.PLACEHOLDER in block]


def run(command: str, url: str) -> tuple[int, str]:
    """Status and answer of a command, run by the shell."""
    done = subprocess.run(
        ["sh", "-c", f"{samples.fill(command, url)} --silent --write-out '\\n%{{http_code}}'"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    answer, _, status = done.stdout.rpartition("\n")
    return int(status), answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    made: Installation = make(tmp_path_factory.mktemp("guide") / "data", "sqlite")
    yield made.intake()
    remove(made)


def url_of(server: Server) -> str:
    return f"http://127.0.0.1:{server.port}/public/v1/leads/{server.installation.key}"


def test_every_page_with_a_command_is_known() -> None:
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "guide").glob("*.md")]
    names = {path.relative_to(ROOT / "docs").as_posix() for path in pages}
    assert {name for name in names if commands(name)} == set(STATUSES)


@pytest.mark.parametrize(
    ("file", "place", "status"),
    [(file, place, status) for file, statuses in STATUSES.items() for place, status in enumerate(statuses)],
)
def test_a_command_works_as_pasted(server: Server, file: str, place: int, status: int) -> None:
    assert len(commands(file)) == len(STATUSES[file])
    assert run(commands(file)[place], url_of(server))[0] == status


def test_the_first_lead_of_the_guide_is_a_test_lead(server: Server) -> None:
    lead = json.loads(run(commands("guide/setup.md")[0], url_of(server))[1])
    assert lead["name"] == "Ada Lovelace"
    assert lead["test"] is True


def test_the_same_lead_is_answered_as_the_guide_says(server: Server) -> None:
    command = commands("guide/duplicates.md")[0].replace("Ada Lovelace", "Grace Hopper").replace("7c1e", "8d2f")
    first = json.loads(run(command, url_of(server))[1])
    assert json.loads(run(command, url_of(server))[1]) == first
    without_key = re.sub(r"  -H 'Idempotency-Key.*\n", "", command)
    assert json.loads(run(without_key, url_of(server))[1]) == {**first, "duplicate": True}
