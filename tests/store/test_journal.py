"""Every call leaves a trace, and no flood of them fills the disk or hides the honest one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stagewise.core.submission import UNUSABLE_ORIGIN
from stagewise.store import journal
from stagewise.store.ledger import Ledger
from tests.store.lab import Lab


def counts(lab: Lab) -> dict[str, tuple[int, int]]:
    """outcome → (calls by the counters, of which with a detail row)"""
    rows = lab.installation.sql("SELECT outcome, sum(count), sum(detailed) FROM attempt_counter GROUP BY outcome")
    return {outcome: (int(count), int(detailed)) for outcome, count, detailed in rows}


def test_a_created_lead_and_its_attempt_hit_event_and_counter_are_there_together(lab: Lab) -> None:
    lab.posts(origin="https://example.com")
    lead = lab.installation.sql("SELECT id, address, origin, request_id, test FROM lead")[0]
    attempt = lab.installation.sql("SELECT lead_id, address, origin, request_id, outcome, status FROM attempt")[0]
    assert attempt[:4] == lead[:4]
    assert attempt[4:] == ("created", 201)
    assert not lead[4]
    assert lab.installation.sql("SELECT kind, lead_id, dispatched_at FROM event") == [("lead.created", lead[0], None)]
    assert lab.installation.count("hit") == 1
    assert counts(lab) == {"created": (1, 1)}


def test_a_refusal_says_who_called_and_which_fields_were_wrong_but_not_what_they_held(lab: Lab) -> None:
    lab.posts(email="secret@", name="", message="secret", address="203.0.113.9")
    row = lab.installation.sql(
        "SELECT outcome, status, address, address_from, field_errors, lead_id, note FROM attempt"
    )[0]
    assert row == ("missing_fields", 422, "203.0.113.9", "peer", "name:blank,email:invalid_email", None, "")
    assert "secret" not in repr(lab.installation.sql("SELECT * FROM attempt"))


def test_an_unusable_origin_is_kept_as_such(lab: Lab) -> None:
    lab.posts(origin=UNUSABLE_ORIGIN)
    assert lab.installation.sql("SELECT origin FROM lead") == [("(unusable)",)]
    lab.installation.save_rules(allowed_origins=["https://example.com"])
    assert lab.posts(origin=UNUSABLE_ORIGIN) == ["origin_not_allowed"]
    assert lab.installation.sql("SELECT origin FROM attempt WHERE outcome = 'origin_not_allowed'") == [("(unusable)",)]


def flood(lab: Lab, *calls: dict[str, Any]) -> None:
    async def steps(ledger: Ledger) -> None:
        for start in range(0, len(calls), 1_000):
            await asyncio.gather(*(ledger.decide(lab.submission(**call)) for call in calls[start : start + 1_000]))
            ledger._writes.call(ledger._flush)

    lab.run(steps)


def test_past_a_thousand_rows_an_hour_a_row_with_a_count_goes_on(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(allow_all_ips=False)
    flood(lab, *[{"address": "198.51.100.7"}] * 3_000, {"address": "203.0.113.1"})
    assert lab.installation.count("attempt") == journal.DETAIL_ROWS
    summaries = lab.installation.sql("SELECT outcome, address, count, last_at FROM attempt_summary ORDER BY count DESC")
    assert summaries == [
        ("ip_not_allowed", "198.51.100.7", 2_000, frozen_clock),
        ("ip_not_allowed", "203.0.113.1", 1, frozen_clock),
    ]
    assert counts(lab) == {"ip_not_allowed": (3_001, journal.DETAIL_ROWS)}


def test_a_flood_of_refusals_takes_no_row_from_created_leads(lab: Lab) -> None:
    lab.installation.save_rules(allowed_origins=["https://example.com"], max_leads_per_ip=None)
    flood(lab, *[{"origin": "https://evil.example"}] * 1_500)
    assert lab.posts(5, origin="https://example.com") == ["created"] * 5
    assert lab.installation.count("attempt", "outcome = 'created'") == 5


def test_a_flood_from_many_addresses_ends_in_one_row_for_the_rest(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(allow_all_ips=False)
    flood(lab, *({"address": f"10.0.{n // 250}.{n % 250}"} for n in range(3_500)))
    assert lab.installation.count("attempt") == journal.DETAIL_ROWS
    assert lab.installation.count("attempt_summary") <= journal.SUMMARY_ROWS
    rest = lab.installation.sql("SELECT count FROM attempt_summary WHERE address = ''")
    assert len(rest) == 1
    assert int(lab.installation.sql("SELECT sum(count) FROM attempt_summary")[0][0]) == 2_500
    assert counts(lab)["ip_not_allowed"] == (3_500, journal.DETAIL_ROWS)


def test_a_new_hour_begins_with_detail_rows_again(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(allow_all_ips=False)
    flood(lab, *[{}] * 1_200)
    lab.offset_ms += journal.HOUR_MS
    flood(lab, *[{}] * 10)
    assert lab.installation.count("attempt") == journal.DETAIL_ROWS + 10


def test_calls_with_an_unknown_key_are_listed_by_six_characters(lab: Lab) -> None:
    async def steps(ledger: Ledger) -> None:
        for number in range(130):
            submission = lab.submission("198.51.100.7")
            submission.key = f"{number:03}nonesuch-nonesuch-nonesuch"
            for _ in range(2):
                assert (await ledger.decide(submission)).outcome == "not_found"

    lab.run(steps)
    rows = lab.installation.sql("SELECT prefix, address, count FROM unknown_call ORDER BY prefix")
    assert rows[0] == ("000non", "198.51.100.7", 2)
    assert len(rows) == journal.UNKNOWN_ROWS
    assert lab.installation.count("attempt") == 0


def test_what_could_not_be_written_is_written_later(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps(ledger: Ledger) -> None:
        flush = ledger._writer.flush

        def fail(*_: object) -> list[Any]:
            raise OSError("disk full")

        monkeypatch.setattr(ledger._writer, "flush", fail)
        await ledger.decide(lab.submission(email="no address"))
        await asyncio.sleep(0.6)
        monkeypatch.setattr(ledger._writer, "flush", flush)

    lab.run(steps)
    assert counts(lab) == {"invalid_fields": (1, 1)}
    assert lab.installation.count("attempt") == 1


def test_a_refused_preflight_is_an_attempt_and_an_allowed_one_is_not(lab: Lab) -> None:
    lab.installation.save_rules(allowed_origins=["https://example.com"], allow_all_ips=False)

    async def steps(ledger: Ledger) -> list[str]:
        outcomes = []
        for origin in ("https://example.com", "https://evil.example"):
            submission = lab.submission(origin=origin)
            submission.preflight = True
            outcomes.append((await ledger.decide(submission)).outcome)
        return outcomes

    assert lab.run(steps) == ["preflight", "origin_not_allowed"]
    rows = lab.installation.sql("SELECT origin, preflight FROM attempt")
    assert [(origin, bool(preflight)) for origin, preflight in rows] == [("https://evil.example", True)]
