"""Held leads: released, discarded, brought back, and gone when their time is over."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints.models import Hit
from stagewise.leads import actions, held_queries, queries
from stagewise.leads import held as held_actions
from stagewise.leads.models import HeldLead, HeldState, Lead
from stagewise.notify.models import Event
from stagewise.options.holding import REASONS
from stagewise.worker import retention
from stagewise.worker.slices import Slices
from tests.support.cast import Cast, assemble, held

pytestmark = pytest.mark.django_db

DAY_MS = 86_400_000
ATTRIBUTION = {"page_url": "https://a.example/", "utm_source": "news", "click_ids": {"gclid": "g1"}}


def release(cast: Cast, *rows: HeldLead, actor: str = "agnes@example.com") -> list[Lead]:
    return held_actions.release(cast.acme.workspace, [row.public_id for row in rows], actor)


def state_of(row: HeldLead) -> str:
    return HeldLead.objects.get(pk=row.pk).state


# Releasing


def test_a_released_lead_keeps_its_id_its_time_and_all_that_was_sent(cast: Cast) -> None:
    sent = held(
        cast.acme,
        at=1_767_268_800_123,
        lead_type=cast.acme.types[1],
        forwarded_by="198.51.100.7",
        origin="https://a.example",
        attribution=ATTRIBUTION,
        repeats=3,
    )
    [made] = release(cast, sent)
    lead = queries.get(cast.acme.workspace, sent.public_id)
    assert lead.pk == made.pk
    assert lead.created_at == 1_767_268_800_123
    assert (lead.lead_type.name, lead.stage.name, lead.endpoint_id) == ("Sales", "New", sent.endpoint_id)
    for field in ("name", "phone", "phone_e164", "email", "message", "address", "forwarded_by", "origin", "request_id"):
        assert getattr(lead, field) == getattr(sent, field)
    assert queries.came_by(lead) == {"page_url": "https://a.example/", "utm_source": "news", "gclid": "g1"}
    assert lead.repeat.count == 3
    assert not lead.test


def test_a_release_is_an_event_and_an_audit_entry_and_takes_no_slot(cast: Cast) -> None:
    [made] = release(cast, cast.acme.held)
    event = Event.objects.get()
    assert (event.kind, event.lead_id, event.dispatched_at) == ("lead.created", made.pk, None)
    entry = AuditEntry.objects.get(action="held.released")
    assert (entry.actor, entry.subject) == ("agnes@example.com", str(cast.acme.held.public_id))
    assert Hit.objects.count() == 0
    row = HeldLead.objects.get(pk=cast.acme.held.pk)
    assert (row.state, row.settled_by, row.lead_id) == (HeldState.RELEASED, "agnes@example.com", made.pk)


def test_a_lead_is_released_once(cast: Cast) -> None:
    assert len(release(cast, cast.acme.held, cast.acme.held)) == 1
    assert release(cast, cast.acme.held) == []
    assert Lead.objects.filter(public_id=cast.acme.held.public_id).count() == 1
    assert Event.objects.count() == 1


def test_a_lead_of_an_archived_type_goes_to_the_default_one(cast: Cast) -> None:
    row = held(cast.acme, lead_type=cast.acme.types[1])
    actions.archive_lead_type(cast.acme.types[1])
    actions.move_lead_type(cast.acme.types[2], 0)
    [made] = release(cast, row)
    assert (made.lead_type.name, made.stage.name, made.stage.lead_type_id) == ("Support", "New", cast.acme.types[2].pk)


def test_a_lead_begins_in_the_first_stage_that_is_in_use(cast: Cast) -> None:
    actions.archive_stage(cast.acme.types[0].stages.get(name="New"))
    [made] = release(cast, cast.acme.held)
    assert made.stage.name == "Contacted"


def test_nobody_releases_or_discards_what_is_next_door(cast: Cast) -> None:
    theirs = [cast.next_door.held.public_id, uuid.uuid4()]
    assert held_actions.release(cast.acme.workspace, theirs) == []
    assert held_actions.discard(cast.acme.workspace, theirs)[0] == 0
    assert held_actions.discard_all(cast.acme.workspace, 10**12)[0] == 1
    assert state_of(cast.next_door.held) == HeldState.WAITING
    held_actions.discard(cast.next_door.workspace, theirs)
    assert held_actions.restore(cast.acme.workspace, theirs) == 0


@pytest.mark.django_db(transaction=True)
def test_of_many_who_click_at_once_one_releases_it() -> None:
    if connection.vendor == "sqlite":
        pytest.skip("the database is in memory, threads do not share it; tests/test_cli_held.py does it with processes")
    cast = assemble()

    def click(number: int) -> int:
        try:
            return len(release(cast, cast.acme.held, actor=f"p{number}@example.com"))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as people:
        assert sum(people.map(click, range(8))) == 1
    assert Lead.objects.filter(public_id=cast.acme.held.public_id).count() == 1
    assert Event.objects.filter(kind="lead.created").count() == 1


# Discarding


def test_what_one_click_discarded_another_brings_back(cast: Cast) -> None:
    rows = [cast.acme.held, held(cast.acme), held(cast.acme)]
    count, at = held_actions.discard(cast.acme.workspace, [row.public_id for row in rows[:2]], "agnes@example.com")
    assert count == 2
    assert [state_of(row) for row in rows] == ["discarded", "discarded", "waiting"]
    assert held_actions.restore_discarded_at(cast.acme.workspace, at, "somebody@example.com") == 0
    assert held_actions.restore_discarded_at(cast.acme.workspace, at, "agnes@example.com") == 2
    assert [state_of(row) for row in rows] == ["waiting"] * 3
    assert not Lead.objects.filter(public_id=cast.acme.held.public_id).exists()
    said = [(entry.action, entry.subject) for entry in AuditEntry.objects.filter(action__startswith="held.")]
    assert said == [("held.discarded", "2 held leads"), ("held.restored", "2 held leads")]


def test_a_discarded_lead_is_not_released_before_it_is_put_back(cast: Cast) -> None:
    held_actions.discard(cast.acme.workspace, [cast.acme.held.public_id])
    assert release(cast, cast.acme.held) == []
    assert held_actions.restore(cast.acme.workspace, [cast.acme.held.public_id]) == 1
    assert len(release(cast, cast.acme.held)) == 1
    assert held_actions.discard(cast.acme.workspace, [cast.acme.held.public_id])[0] == 0


def test_discarding_all_leaves_those_that_came_after_the_page_was_made(cast: Cast) -> None:
    rows = [held(cast.acme) for _ in range(250)]
    later = held(cast.acme)
    assert held_actions.discard_all(cast.acme.workspace, rows[-1].pk, "agnes@example.com")[0] == 251
    assert state_of(later) == HeldState.WAITING
    assert [entry.subject for entry in AuditEntry.objects.filter(action="held.discarded").order_by("id")] == [
        "100 held leads",
        "100 held leads",
        "51 held leads",
    ]


# The end of their time


def test_each_state_has_its_time(cast: Cast) -> None:
    now = now_ms()
    kept: list[HeldLead] = []
    gone: list[HeldLead] = []
    for state, days in (("waiting", 30), ("discarded", 7), ("released", 30)):
        for late, rows in ((-60_000, kept), (60_000, gone)):
            then = now - days * DAY_MS - late
            settled = {} if state == "waiting" else {"settled_at": then}
            rows.append(held(cast.acme, state=state, at=then if state == "waiting" else now - 40 * DAY_MS, **settled))
    assert held_actions.expire(2) == 2
    assert held_actions.expire(100) == 1
    assert held_actions.expire(100) == 0
    there = set(HeldLead.objects.filter(workspace=cast.acme.workspace).values_list("pk", flat=True))
    assert there == {cast.acme.held.pk, *(row.pk for row in kept)}
    assert not there & {row.pk for row in gone}


def test_the_worker_throws_them_away(cast: Cast) -> None:
    HeldLead.objects.filter(pk=cast.acme.held.pk).update(at=now_ms() - 31 * DAY_MS)
    retention.prune(Slices(threading.Event()))
    assert list(HeldLead.objects.all()) == [cast.next_door.held]


def test_the_lead_of_a_released_one_stays_when_its_time_is_over(cast: Cast) -> None:
    [made] = release(cast, cast.acme.held)
    HeldLead.objects.filter(pk=cast.acme.held.pk).update(settled_at=1)
    assert held_actions.expire(10) == 1
    assert Lead.objects.filter(pk=made.pk).exists()


# Reading


def test_pages_go_from_new_to_old_and_miss_nothing(cast: Cast) -> None:
    made = [held(cast.acme).pk for _ in range(5)]
    first = held_queries.page(cast.acme.workspace, size=4)
    second = held_queries.page(cast.acme.workspace, before=first.next_before, size=4)
    assert [row.pk for row in (*first.held, *second.held)] == [*reversed(made), cast.acme.held.pk]
    assert second.next_before is None


def test_they_are_counted_by_state(cast: Cast) -> None:
    held(cast.acme, state="discarded", settled_at=now_ms())
    assert held_queries.counts(cast.acme.workspace) == {"waiting": 1, "released": 0, "discarded": 1}
    assert held_queries.waiting(cast.acme.workspace) == 1


@pytest.mark.parametrize("code", REASONS)
def test_every_reason_has_words(cast: Cast, code: str) -> None:
    row = held(cast.acme, reasons=f"{code},made_up")
    assert held_queries.reasons(row) == [REASONS[code], "made_up"]


def test_a_held_lead_is_printed_with_its_reasons_and_its_end(cast: Cast) -> None:
    row = held(cast.acme, at=1_767_268_800_123, reasons="links,repeated")
    found = held_queries.as_dict(row)
    assert (found["reasons"], found["created_at"], found["deleted_at"]) == (
        ["links", "repeated"],
        "2026-01-01T12:00:00.123Z",
        "2026-01-31T12:00:00.123Z",
    )
