"""Without anybody's doing, what waits in the spool is sent: by a thread, or by a task on the event loop."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from stagewise_client import AsyncClient, Client, Spool, Spooled

from tests.client.conftest import LEAD
from tests.client.double import Double, created, problem

DOWN = problem(503, "unavailable")
OpenClient = Callable[..., Client]


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch, no_backoff: None) -> None:
    """A client looks into its spool all the time."""
    monkeypatch.setattr("stagewise_client.client._EVERY", 0.01)


def joined() -> None:
    """Wait until the threads that look after spools have ended."""
    for thread in threading.enumerate():
        if thread.name == "stagewise-spool":
            thread.join(20)
            assert not thread.is_alive()


def test_what_is_spooled_is_sent_as_soon_as_the_server_is_back(
    double: Double, open_client: OpenClient, tmp_path: Path
) -> None:
    double.script = [DOWN, DOWN, DOWN, created()]
    client = open_client(double.url, spool=tmp_path / "spool", retries=0)
    assert isinstance(client.create_lead(*LEAD), Spooled)
    double.wait_for(4)
    joined()
    assert len(set(double.keys)) == 1
    assert client.spool is not None
    assert len(client.spool) == 0


def test_what_an_earlier_process_left_is_sent_by_the_next_one(
    double: Double, open_client: OpenClient, tmp_path: Path
) -> None:
    double.script = [DOWN, created()]
    open_client(double.url, spool=tmp_path / "spool", retries=0, background=False).create_lead(*LEAD)
    assert len(double.requests) == 1
    open_client(double.url, spool=tmp_path / "spool")
    double.wait_for(2)
    joined()
    assert len(Spool(tmp_path / "spool")) == 0


def test_a_forked_child_looks_after_its_own_leads(double: Double, open_client: OpenClient, tmp_path: Path) -> None:
    double.script = [DOWN, created()]
    client = open_client(double.url, spool=tmp_path / "spool", retries=0)
    child = os.fork()
    if not child:
        client.create_lead(*LEAD)
        joined()
        os._exit(len(Spool(tmp_path / "spool")))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(double.requests) == 2


def test_a_spool_that_breaks_is_said_and_looked_at_again(
    double: Double, open_client: OpenClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    double.script = [DOWN]
    client = open_client(double.url, spool=tmp_path / "spool", retries=0)
    client.create_lead(*LEAD)
    (tmp_path / "spool").write_bytes(b"no database" * 1000)
    said = "what waits in the spool cannot be sent"
    for _ in range(2000):
        if caplog.messages.count(said) > 1:
            break
        threading.Event().wait(0.01)
    assert caplog.messages.count(said) > 1


def test_on_an_event_loop_a_task_does_it(double: Double, tmp_path: Path) -> None:
    async def main() -> None:
        async with AsyncClient(double.url, spool=tmp_path / "spool", retries=0) as client:
            double.script = [DOWN, DOWN, created()]
            assert isinstance(await client.create_lead(*LEAD), Spooled)
            await asyncio.to_thread(double.wait_for, 3)
            (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "stagewise-spool")
            await task

    asyncio.run(main())
    assert len(Spool(tmp_path / "spool")) == 0


def test_closing_ends_it_and_leaves_the_leads_where_they_are(double: Double, tmp_path: Path) -> None:
    double.script = [DOWN]

    async def main() -> None:
        async with AsyncClient(double.url, spool=tmp_path / "spool", retries=0) as client:
            await client.create_lead(*LEAD)

    asyncio.run(main())
    with Client(double.url, spool=tmp_path / "spool", retries=0) as client:
        client.create_lead(*LEAD)
    joined()
    assert len(Spool(tmp_path / "spool")) == 2


def test_a_cancelled_call_is_sent_later(double: Double, tmp_path: Path) -> None:
    double.script = ["silence"]

    async def main() -> None:
        client = AsyncClient(double.url, spool=tmp_path / "spool", background=False)
        sending = asyncio.create_task(client.create_lead(*LEAD))
        await asyncio.to_thread(double.wait_for, 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        await client.aclose()

    asyncio.run(main())
    assert len(Spool(tmp_path / "spool")) == 1
