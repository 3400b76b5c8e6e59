"""The rules are those of the moment of the call; the schema is one that the lane serves."""

from __future__ import annotations

import asyncio
import json

import pytest

from stagewise.core.versions import new_version
from stagewise.store import journal, schema
from stagewise.store.ledger import Ledger
from stagewise.store.schema import SchemaError
from tests.store.lab import DAY, Lab


def types_changed(lab: Lab) -> None:
    lab.installation.sql("UPDATE workspace SET types_version = ?", new_version())


def test_a_hundred_changes_hold_each_for_the_next_call(lab: Lab) -> None:
    async def steps(ledger: Ledger) -> list[tuple[bool, str]]:
        seen = []
        for number in range(100):
            open_to_all = number % 2 == 0
            await asyncio.to_thread(lab.installation.save_rules, allow_all_ips=open_to_all, max_leads_per_ip=None)
            seen.append((open_to_all, (await ledger.decide(lab.submission())).outcome))
        return seen

    assert all(outcome == ("created" if is_open else "ip_not_allowed") for is_open, outcome in lab.run(steps))


def test_an_absent_lead_type_is_the_first_and_a_name_is_found_whatever_its_case(lab: Lab) -> None:
    lab.posts()
    lab.posts(lead_type_name="  sUPPORT ")
    rows = lab.installation.sql(
        "SELECT t.name, s.name FROM lead l JOIN lead_type t ON t.id = l.lead_type_id JOIN stage s ON s.id = l.stage_id"
        " ORDER BY l.id"
    )
    assert rows == [("General", "New"), ("Support", "New")]


def test_an_archived_or_renamed_lead_type_is_unknown_to_the_next_call(lab: Lab) -> None:
    async def steps(ledger: Ledger) -> list[str]:
        async def post(name: str | None) -> str:
            return (await ledger.decide(lab.submission(lead_type_name=name))).outcome

        outcomes = [await post("Sales")]
        lab.installation.sql("UPDATE lead_type SET archived_at = 1 WHERE name IN ('Sales', 'General')")
        types_changed(lab)
        outcomes += [await post("Sales"), await post(None)]
        lab.installation.sql("UPDATE lead_type SET archived_at = NULL, name = 'Buying', name_key = 'buying'"
                             " WHERE name = 'Sales'")  # fmt: skip
        types_changed(lab)
        return [*outcomes, await post("Sales"), await post("BUYING")]

    assert lab.run(steps) == ["created", "unknown_lead_type", "created", "unknown_lead_type", "created"]


def test_a_lead_type_is_found_by_its_aliases_and_by_its_own_name_first(lab: Lab) -> None:
    for type_name, alias in (("Sales", "enquiry"), ("Sales", "support")):
        lab.installation.sql(
            "INSERT INTO lead_type_alias (workspace_id, lead_type_id, name, name_key)"
            " SELECT workspace_id, id, ?, ? FROM lead_type WHERE name = ?", alias, alias, type_name
        )  # fmt: skip
    types_changed(lab)
    named = ("Enquiry", "SUPPORT", "sales")
    answers = lab.decide(*(lab.submission(lead_type_name=name) for name in named))
    assert [json.loads(answer.body or b"")["lead_type"]["name"] for answer in answers] == ["Sales", "Support", "Sales"]
    lab.installation.sql("UPDATE lead_type SET archived_at = 1 WHERE name = 'Sales'")
    types_changed(lab)
    assert lab.decide(lab.submission(lead_type_name="Enquiry"))[0].outcome == "unknown_lead_type"


def test_names_that_were_no_lead_types_are_listed_with_counts_a_hundred_at_most(lab: Lab) -> None:
    lab.posts(3, lead_type_name="Wholesale")
    lab.posts(1, lead_type_name="wholesale ")
    lab.posts(1, lead_type_name="Sales")
    assert lab.installation.sql("SELECT name_key, count FROM unmatched_name") == [("wholesale", 4)]
    lab.decide(*(lab.submission(lead_type_name=f"Type {number}") for number in range(130)))
    assert lab.installation.count("unmatched_name") == journal.UNMATCHED_ROWS
    lab.posts(1, lead_type_name="WHOLESALE")
    assert lab.installation.sql("SELECT name, count FROM unmatched_name WHERE name_key = 'wholesale'") == [
        ("WHOLESALE", 5)
    ]


def test_a_retired_key_works_until_its_moment_and_then_answers_gone(lab: Lab, frozen_clock: int) -> None:
    lab.installation.sql("UPDATE endpoint_key SET retires_at = ?", frozen_clock + 1_000)
    lab.offset_ms = 999
    assert lab.posts() == ["created"]
    lab.offset_ms = 1_000
    assert lab.posts() == ["endpoint_disabled"]
    assert lab.installation.sql("SELECT note FROM attempt WHERE outcome = 'endpoint_disabled'") == [("key_retired",)]


def test_an_endpoint_that_is_switched_off_answers_gone(lab: Lab) -> None:
    lab.installation.save_rules(enabled=False)
    assert lab.posts() == ["endpoint_disabled"]
    assert lab.installation.count("hit") == 0


def test_two_nodes_of_one_database_count_together(lab: Lab) -> None:
    async def steps() -> list[str]:
        async with lab.ledger() as one, lab.ledger() as two:
            decisions = await asyncio.gather(
                *(ledger.decide(lab.submission()) for _ in range(200) for ledger in (one, two))
            )
            return [decision.outcome for decision in decisions]

    assert asyncio.run(steps()).count("created") == 10
    assert lab.installation.count("lead") == lab.installation.count("hit") == 10


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("DELETE FROM installation", "stagewise migrate"),
        (f"UPDATE installation SET schema_version = {schema.LANE_VERSION - 1}", "stagewise migrate"),
        (f"UPDATE installation SET oldest_lane = {schema.LANE_VERSION + 1}", "update Stagewise"),
        ("UPDATE installation SET key_fingerprint = '0123456789abcdef'", "STAGEWISE_SECRET_KEY"),
    ],
    ids=["empty", "older", "newer", "of another key"],
)
def test_a_lane_refuses_to_start_on_a_database_that_it_does_not_serve(lab: Lab, change: str, says: str) -> None:
    lab.installation.sql(change)

    async def start() -> None:
        async with lab.ledger():
            pass

    with pytest.raises(SchemaError, match=says) as raised:
        asyncio.run(start())
    assert "\n" not in str(raised.value)


def test_times_are_those_of_the_database_in_whole_milliseconds(lab: Lab, frozen_clock: int) -> None:
    lab.offset_ms = -DAY
    lab.posts()
    assert lab.installation.sql("SELECT created_at FROM lead") == [(frozen_clock - DAY,)]
