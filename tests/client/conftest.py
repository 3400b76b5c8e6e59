"""A double of the server, and both clients behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from stagewise_client import AsyncClient, Client, Flushed, Result, Spool, Spooled

from tests.client.double import Double, problem

#: When the tests of the spool begin.
NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
DOWN = problem(503, "unavailable")

LEAD = ("Ada Lovelace", "+44 20 7946 0018", "ada@example.com")


class Driven:
    """An AsyncClient that a test calls as it calls a Client; each call runs the event loop until it is done."""

    def __init__(self, url: str, **settings: Any) -> None:
        self._runner = asyncio.Runner()
        self.client = AsyncClient(url, **settings)

    def create_lead(self, *lead: str, **more: Any) -> Result:
        return self._runner.run(self.client.create_lead(*lead, **more))

    def flush(self) -> Flushed:
        return self._runner.run(self.client.flush())

    @property
    def spool(self) -> Spool | None:
        return self.client.spool

    def close(self) -> None:
        self._runner.run(self.client.aclose())
        self._runner.close()


AnyClient = Client | Driven
MakeClient = Callable[..., Any]


@pytest.fixture
def double() -> Iterator[Double]:
    made = Double()
    yield made
    made.close()


@pytest.fixture
def open_client(request: pytest.FixtureRequest) -> Iterator[Callable[..., Client]]:
    """Make a blocking client that is closed at the end."""
    with ExitStack() as stack:

        def make(url: str, **settings: Any) -> Client:
            made = Client(url, **settings)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture(params=[Client, Driven], ids=["blocking", "asyncio"])
def make_client(request: pytest.FixtureRequest) -> Iterator[MakeClient]:
    """Make a client of either kind; without a thread or task of its own, unless the test asks for it."""
    with ExitStack() as stack:

        def make(url: str, **settings: Any) -> AnyClient:
            made: AnyClient = request.param(url, **{"background": False, **settings})
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance always says "at once", so that nothing waits unless the server asks for it."""
    monkeypatch.setattr("stagewise_client.steps.random", SimpleNamespace(uniform=lambda low, high: 0.0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "leads.spool"


@pytest.fixture
def travel() -> Any:
    """The machine's clock, which the test sets; it goes on from there."""
    with time_machine.travel(NOW, tick=True) as traveller:
        yield traveller


def spooled(client: Any, double: Double, *names: str) -> None:
    """Let leads of these names wait, and forget how they got there."""
    double.script = [DOWN]
    for name in names:
        assert isinstance(client.create_lead(name, *LEAD[1:], visitor_ip=f"203.0.113.{len(name)}"), Spooled)
    double.requests.clear()
