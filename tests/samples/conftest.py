"""A real intake, a gate in front of it, and samples that send through the gate.

All tests of a module share them, because starting an intake and a web server for each would take most of the time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.samples.gate import Gate, open_gate
from tests.samples.programs import Program
from tests.support import installation as installations
from tests.support.installation import Installation

Start = Callable[..., Program]


@pytest.fixture(scope="module")
def shared_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """On SQLite alone: what sends a lead never sees the database."""
    made = installations.make(tmp_path_factory.mktemp("samples") / "data", "sqlite")
    yield made
    installations.remove(made)


@pytest.fixture(scope="module")
def shared_gate(shared_installation: Installation) -> Iterator[Gate]:
    """The way to its intake."""
    server = shared_installation.intake()
    with open_gate(server.port, f"/public/v1/leads/{shared_installation.key}") as gate:
        yield gate


@pytest.fixture
def installation(shared_installation: Installation) -> Installation:
    """The shared one, without leads, with the rules of a new endpoint that lets in this machine."""
    for table in ("lead", "hit"):
        shared_installation.sql(f"DELETE FROM {table}")
    shared_installation.save_rules(
        enabled=True, allow_all_ips=False, allowed_ips=["127.0.0.1"], allowed_origins=[], max_leads_per_ip=None
    )
    return shared_installation


@pytest.fixture
def gate(shared_gate: Gate, installation: Installation) -> Gate:
    """The shared one, which has seen nothing."""
    del installation
    shared_gate.forget()
    return shared_gate


@pytest.fixture(scope="module")
def start_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """``start_shared("php", url)`` starts a sample for all tests of the module."""
    yield from _starter(tmp_path_factory.mktemp("programs"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("php", url)`` starts a sample for one test; with ``ready=False`` without waiting for it."""
    yield from _starter(tmp_path)


def _starter(folder: Path) -> Iterator[Start]:
    started: list[Program] = []

    def start(name: str, url: str, *, ready: bool = True) -> Program:
        program = Program(name, folder / name, url)
        started.append(program)
        if ready:
            program.wait_until_ready()
        return program

    yield start
    for program in started:
        program.end()
