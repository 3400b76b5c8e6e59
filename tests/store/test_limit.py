"""The rolling limit, on both databases, through the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter

from stagewise.core.addresses import bucket
from stagewise.core.limits import WINDOW_MS
from stagewise.store.ledger import Ledger
from stagewise.store.records import Decision
from tests.store.lab import DAY, Lab


def put_hits(lab: Lab, *times: int, address: str = "192.0.2.1") -> None:
    """Write hits at these times (milliseconds) as earlier leads of the address left them."""
    endpoint, workspace = lab.installation.sql("SELECT id, workspace_id FROM endpoint ORDER BY id LIMIT 1")[0]
    for at in times:
        lab.installation.sql(
            "INSERT INTO hit (workspace_id, endpoint_id, bucket, at) VALUES (?, ?, ?, ?)",
            workspace, endpoint, bucket(address), at,
        )  # fmt: skip


def test_of_many_at_once_exactly_as_many_as_the_limit_are_created(lab: Lab) -> None:
    outcomes = Counter(lab.posts(300))
    assert outcomes == {"created": 10, "rate_limited": 290}
    assert lab.installation.count("lead") == lab.installation.count("hit") == 10


def test_a_hit_leaves_the_window_to_the_millisecond(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    put_hits(lab, frozen_clock - WINDOW_MS + 1)
    assert lab.posts() == ["rate_limited"]
    lab.installation.sql("UPDATE hit SET at = ?", frozen_clock - WINDOW_MS)
    assert lab.posts() == ["created"]


def test_each_hit_frees_one_slot_when_it_leaves(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(max_leads_per_ip=3)
    put_hits(lab, frozen_clock - DAY, frozen_clock - DAY + 5_000, frozen_clock - 1)
    assert Counter(lab.posts(5)) == {"created": 1, "rate_limited": 4}


def test_whoever_waits_as_long_as_retry_after_says_succeeds(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(max_leads_per_ip=2)
    put_hits(lab, frozen_clock - DAY + 61_500, frozen_clock - DAY + 90_000)

    async def refused(ledger: Ledger) -> int:
        decision = await ledger.decide(lab.submission())
        assert decision.outcome == "rate_limited"
        assert decision.figures is not None
        assert decision.figures.reset is not None
        return decision.figures.reset

    wait = lab.run(refused)
    assert wait == 62
    lab.offset_ms += (wait - 1) * 1000
    assert lab.posts() == ["rate_limited"]
    lab.offset_ms += 1000
    assert lab.posts() == ["created"]


def test_retry_after_holds_also_when_the_limit_was_lowered(lab: Lab, frozen_clock: int) -> None:
    put_hits(lab, *(frozen_clock - DAY + 10_000 * n for n in range(1, 9)))
    lab.installation.save_rules(max_leads_per_ip=3)

    async def refused(ledger: Ledger) -> Decision:
        return await ledger.decide(lab.submission())

    decision = lab.run(refused)
    assert decision.figures is not None
    # The third newest of eight hits is the sixth, and only when it has left are two left.
    assert (decision.figures.quota, decision.figures.remaining, decision.figures.reset) == (3, 0, 60)
    lab.offset_ms += 60_000
    assert lab.posts() == ["created"]


def test_the_figures_of_a_created_lead_count_it(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=3)

    async def two(ledger: Ledger) -> list[Decision]:
        return [await ledger.decide(lab.submission()) for _ in range(2)]

    first, second = lab.run(two)
    assert first.figures is not None
    assert second.figures is not None
    assert (first.figures.remaining, first.figures.reset) == (2, 86_400)
    assert second.figures.remaining == 1


def test_without_a_limit_no_figures_are_given_but_hits_are_written(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=None)
    assert lab.posts(12) == ["created"] * 12
    assert lab.installation.count("hit") == 12
    lab.installation.save_rules(max_leads_per_ip=13)
    assert Counter(lab.posts(3)) == {"created": 1, "rate_limited": 2}


def test_only_created_leads_take_a_slot(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=2)
    assert set(lab.posts(50, email="no address")) == {"invalid_fields"}
    assert set(lab.posts(50, lead_type_name="Nonesuch")) == {"unknown_lead_type"}
    assert set(lab.posts(20, idempotency_key="once")) == {"created", "replayed"}
    assert Counter(lab.posts(5)) == {"created": 1, "rate_limited": 4}


def test_a_limit_of_nought_refuses_also_those_who_have_sent_before(lab: Lab) -> None:
    assert lab.posts(2) == ["created", "created"]
    lab.installation.save_rules(max_leads_per_ip=0)
    assert lab.posts(2) == ["rate_limited", "rate_limited"]


def test_deleting_a_lead_frees_no_slot(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=2)
    lab.posts(2)
    lab.installation.sql("DELETE FROM lead")
    assert lab.posts() == ["rate_limited"]


def test_the_addresses_of_one_64_share_a_count(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=2)
    assert lab.posts(address="2001:db8:1:2::1") == ["created"]
    assert lab.posts(address="2001:DB8:1:2:ffff::2") == ["created"]
    assert lab.posts(address="2001:db8:1:2:3:4:5:6") == ["rate_limited"]
    assert lab.posts(address="2001:db8:1:3::1") == ["created"]


def test_an_address_and_its_mapped_form_share_a_count(lab: Lab) -> None:
    lab.installation.save_rules(max_leads_per_ip=2)
    assert lab.posts(address="1.2.3.4") == ["created"]
    assert lab.posts(address="::ffff:1.2.3.4") == ["created"]
    assert lab.posts(address="::ffff:102:304") == ["rate_limited"]
    assert lab.posts(address="::ffff:1.2.3.5") == ["created"]


def test_a_changed_limit_holds_for_the_very_next_call(lab: Lab) -> None:
    async def steps(ledger: Ledger) -> list[str]:
        outcomes = []
        for limit in (1, 1, 3, 2, None, 4, 5):
            await asyncio.to_thread(lab.installation.save_rules, max_leads_per_ip=limit)
            outcomes.append((await ledger.decide(lab.submission())).outcome)
        return outcomes

    assert lab.run(steps) == [
        "created", "rate_limited", "created", "rate_limited", "created", "created", "created",
    ]  # fmt: skip


def test_hits_in_the_future_count_when_the_clock_was_set_back(lab: Lab, frozen_clock: int) -> None:
    lab.installation.save_rules(max_leads_per_ip=1)
    put_hits(lab, frozen_clock + 3_600_000)

    async def refused(ledger: Ledger) -> Decision:
        return await ledger.decide(lab.submission())

    decision = lab.run(refused)
    assert decision.outcome == "rate_limited"
    assert decision.figures is not None
    assert decision.figures.reset == 86_400 + 3_600
