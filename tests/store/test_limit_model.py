"""The rolling limit against a model that anybody can check by eye: a list of times for each address.

Hypothesis makes up what happens: leads from several addresses, alone and at once, repeated under a key, refused for
other reasons; the clock going on, also to the very millisecond at which a slot is free again; the limit lowered,
raised, taken away; leads deleted; the process started again. After every step the ledger must have said what the model
says.
"""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from stagewise.core.addresses import bucket, canonical
from stagewise.core.limits import WINDOW_MS
from stagewise.core.submission import Submission
from stagewise.store.ledger import Ledger
from stagewise.store.records import Decision
from tests.store.lab import Lab
from tests.support.installation import SECRET_KEY

#: One machine writes its IPv4 address in two ways; two machines share a /64, which counts as one; one has its own.
ADDRESSES = ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1")
LONG_EXAMPLES = int(os.environ.get("SOAK_EXAMPLES", "2000"))


class LimitMachine(RuleBasedStateMachine):
    """The ledger and its model, side by side."""

    lab: Lab

    def __init__(self) -> None:
        super().__init__()
        self.lab.installation.empty()
        self.lab.installation.save_rules(allow_all_ips=True, allowed_ips=[], max_leads_per_ip=3)
        self.lab.offset_ms = 0
        self.limit: int | None = 3
        #: Bucket → the times of its created leads.
        self.hits: dict[str, list[int]] = {}
        self.keys: set[str] = set()
        self.runner = asyncio.Runner()
        self.ledger = self._start()

    def _start(self) -> Ledger:
        async def start() -> Ledger:
            ledger = Ledger(self.lab.session)
            await ledger.start(SECRET_KEY)
            return ledger

        return self.runner.run(start())

    @property
    def now(self) -> int:
        return self.lab.offset_ms

    def in_window(self, address: str) -> list[int]:
        """The model: what counts is later than 24 hours ago, to the millisecond."""
        return [at for at in self.hits.get(bucket_of(address), []) if at > self.now - WINDOW_MS]

    def is_full(self, address: str) -> bool:
        return self.limit is not None and len(self.in_window(address)) >= self.limit

    def ask(self, *submissions: Submission) -> list[Decision]:
        async def steps() -> list[Decision]:
            return await asyncio.gather(*(self.ledger.decide(each) for each in submissions))

        return self.runner.run(steps())

    def take(self, address: str) -> None:
        self.hits.setdefault(bucket_of(address), []).append(self.now)

    @rule(address=st.sampled_from(ADDRESSES))
    def a_lead_comes(self, address: str) -> None:
        full, inside = self.is_full(address), self.in_window(address)
        [decision] = self.ask(self.lab.submission(address))
        assert decision.outcome == ("rate_limited" if full else "created")
        if not full:
            self.take(address)
        elif self.limit:
            assert decision.figures is not None
            # A slot is free once fewer than the limit are left: when the limit-th newest has gone.
            leaves = sorted(inside)[-self.limit] + WINDOW_MS
            assert decision.figures.reset == max(1, math.ceil((leaves - self.now) / 1000))

    @rule(address=st.sampled_from(ADDRESSES), count=st.integers(2, 8))
    def several_come_at_once(self, address: str, count: int) -> None:
        room = count if self.limit is None else max(0, min(count, self.limit - len(self.in_window(address))))
        outcomes = Counter(each.outcome for each in self.ask(*(self.lab.submission(address) for _ in range(count))))
        assert outcomes == +Counter(created=room, rate_limited=count - room)
        for _ in range(room):
            self.take(address)

    @rule(address=st.sampled_from(ADDRESSES), key=st.sampled_from(["one", "two", "three"]))
    def a_lead_comes_under_a_key(self, address: str, key: str) -> None:
        full = self.is_full(address)
        [decision] = self.ask(self.lab.submission(address, idempotency_key=key, name=f"Under {key}"))
        if key in self.keys:
            assert decision.outcome == "replayed"
        else:
            # Without a message of its own it may be the repeat of one under another address: that takes no slot.
            assert decision.outcome in ({"rate_limited"} if full else {"created", "duplicate"})
            if decision.outcome == "created":
                self.take(address)
            if not full:
                self.keys.add(key)

    @rule(address=st.sampled_from(ADDRESSES), bad=st.sampled_from(["email", "phone", "lead_type_name"]))
    def what_is_refused_otherwise_takes_no_slot(self, address: str, bad: str) -> None:
        wrong: dict[str, Any] = {bad: "nonsense?"}
        [decision] = self.ask(self.lab.submission(address, **wrong))
        assert decision.outcome in {"invalid_fields", "unknown_lead_type"}

    @rule(ms=st.one_of(st.integers(1, 5_000), st.integers(1, 26 * 3_600_000)))
    def time_goes_by(self, ms: int) -> None:
        self.move_to(self.now + ms)

    @precondition(lambda self: any(at > self.now - WINDOW_MS for times in self.hits.values() for at in times))
    @rule(early=st.sampled_from([0, 1]))
    def time_goes_on_until_a_slot_is_free_or_nearly(self, early: int) -> None:
        oldest = min(at for times in self.hits.values() for at in times if at > self.now - WINDOW_MS)
        self.move_to(max(self.now, oldest + WINDOW_MS - early))

    def move_to(self, moment: int) -> None:
        self.lab.offset_ms = moment
        self.start_again()  # a session's offset is fixed when it is made

    @rule(limit=st.one_of(st.none(), st.integers(0, 5)))
    def the_owner_saves_another_limit(self, limit: int | None) -> None:
        self.limit = limit
        self.lab.installation.save_rules(max_leads_per_ip=limit)

    @rule()
    def the_owner_deletes_a_lead(self) -> None:
        self.lab.installation.sql("DELETE FROM lead WHERE id = (SELECT max(id) FROM lead)")

    @rule()
    def start_again(self) -> None:
        self.runner.run(self.ledger.stop())
        self.ledger = self._start()

    def teardown(self) -> None:
        self.runner.run(self.ledger.stop())
        self.runner.close()
        stored = self.lab.installation.sql("SELECT bucket, count(*) FROM hit GROUP BY bucket")
        assert dict(stored) == {name: len(times) for name, times in self.hits.items()}


def bucket_of(address: str) -> str:
    plain = canonical(address)
    assert plain is not None
    return bucket(plain)


def play(lab: Lab, examples: int, steps: int) -> None:
    machine: type[Any] = type("Machine", (LimitMachine,), {"lab": lab})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    limits = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, suppress_health_check=checks
    )
    run_state_machine_as_test(machine, settings=limits)


def test_whatever_happens_the_limit_is_what_the_model_says(lab: Lab, frozen_clock: int) -> None:
    assert frozen_clock > 0
    play(lab, 15, 25)


@pytest.mark.soak
def test_whatever_happens_for_long_the_limit_is_what_the_model_says(lab: Lab, frozen_clock: int) -> None:
    assert frozen_clock > 0
    play(lab, LONG_EXAMPLES, 50)
