"""On SQLite the lane keeps the marks of recent leads itself, in step with whoever else writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stagewise.store import recent
from tests.store.lab import Lab
from tests.support import installation as installations

SAME: dict[str, Any] = {"message": "Once"}
SLOT_MS = 300_000


@pytest.fixture
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    return Lab(installations.make(tmp_path_factory.mktemp("recent") / "data", "sqlite"))


def test_what_another_process_has_stored_is_known(lab: Lab) -> None:
    async def steps() -> list[str]:
        async with lab.ledger() as one, lab.ledger() as two:
            await one.decide(lab.submission())
            await two.decide(lab.submission(**SAME))
            return [(await one.decide(lab.submission(**SAME))).outcome, (await two.decide(lab.submission())).outcome]

    assert asyncio.run(steps()) == ["duplicate", "created"]


def test_a_new_process_reads_back_the_last_minutes(lab: Lab) -> None:
    lab.posts(**SAME)
    assert lab.posts(**SAME) == ["duplicate"]


def test_a_lead_that_keeps_an_older_time_does_not_hide_those_before_it(lab: Lab) -> None:
    lab.posts(**SAME)
    lab.posts()
    lab.installation.sql(
        "UPDATE lead SET created_at = 1, repeat_slot = NULL, repeat_hash = NULL WHERE id = (SELECT max(id) FROM lead)"
    )
    assert lab.posts(**SAME) == ["duplicate"]


def test_marks_are_forgotten_with_their_slot(lab: Lab) -> None:
    async def steps() -> list[str]:
        async with lab.ledger() as ledger:
            outcomes = []
            for offset in (0, SLOT_MS - 5_000, 3 * SLOT_MS, 3 * SLOT_MS + 1_000):
                ledger._writer.offset_ms = offset  # type: ignore[attr-defined]
                outcomes.append((await ledger.decide(lab.submission(**SAME))).outcome)
            return outcomes

    assert asyncio.run(steps()) == ["created", "duplicate", "created", "duplicate"]


def test_marks_that_have_moved_on_are_still_known(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "FRESH", 3)
    lab.installation.save_rules(max_leads_per_ip=None)

    async def steps() -> list[str]:
        async with lab.ledger() as ledger:
            many = [lab.submission(name=f"V {number}", **SAME) for number in range(10)]
            first = [(await ledger.decide(each)).outcome for each in many]
            return first + [(await ledger.decide(each)).outcome for each in many]

    assert asyncio.run(steps()) == ["created"] * 10 + ["duplicate"] * 10


def test_a_transaction_that_failed_leaves_no_marks(lab: Lab) -> None:
    async def steps() -> list[str]:
        async with lab.ledger() as ledger:
            await ledger.decide(lab.submission())
            lab.installation.sql("ALTER TABLE event RENAME TO event_away")
            failed = (await ledger.decide(lab.submission(**SAME))).outcome
            lab.installation.sql("ALTER TABLE event_away RENAME TO event")
            return [failed, (await ledger.decide(lab.submission(**SAME))).outcome]

    assert asyncio.run(steps()) == ["unavailable", "created"]


def test_a_file_that_was_put_back_is_read_anew(lab: Lab) -> None:
    async def steps() -> str:
        async with lab.ledger() as ledger:
            for _ in range(3):
                await ledger.decide(lab.submission())
            await ledger.decide(lab.submission(**SAME))
            lab.installation.sql("DELETE FROM lead")
            lab.installation.sql("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'lead'")
            return (await ledger.decide(lab.submission(**SAME))).outcome

    assert asyncio.run(steps()) == "created"
