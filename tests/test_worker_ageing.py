"""What a workspace throws away by its own periods, and what it keeps."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection

from stagewise.accounts.actions import create_workspace
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.core.ids import uuid7
from stagewise.endpoints.models import Attempt, AttemptSummary
from stagewise.leads.models import HeldLead, Lead, LeadRepeat, LeadType
from stagewise.notify.models import Alert, Channel, Delivery, DeliveryTry, Event
from stagewise.site import provision
from stagewise.worker import kept, retention
from stagewise.worker.ageing import Ageing
from stagewise.worker.retention import DAY_MS, HOUR_MS
from stagewise.worker.slices import Slices

pytestmark = pytest.mark.django_db


@pytest.fixture
def workspace() -> Workspace:
    return provision.first_run().workspace


def prune(ageing: Ageing | None = None) -> int:
    return retention.prune(Slices(threading.Event()), ageing)


def add_lead(workspace: Workspace, days: int, lead_type: LeadType | None = None, **fields: Any) -> Lead:
    kind = lead_type or workspace.lead_types.all()[0]
    at = now_ms() - days * DAY_MS
    values = {"name": "Ada", "phone": "1", "email": "a@b.example", "address": "203.0.113.7", **fields}
    return Lead.objects.create(
        workspace=workspace, public_id=uuid7(at), lead_type=kind, stage=kind.stages.all()[0], created_at=at, **values
    )


def add_attempt(workspace: Workspace, days: int, address: str | None = "203.0.113.7") -> Attempt:
    return Attempt.objects.create(
        workspace_id=workspace.pk, endpoint_id=1, at=now_ms() - days * DAY_MS, outcome="created", status=201,
        address_from="peer", address=address,
    )  # fmt: skip


def add_summary(workspace: Workspace, days: int, address: str, count: int = 1) -> AttemptSummary:
    hour = (now_ms() - days * DAY_MS) // HOUR_MS * HOUR_MS
    return AttemptSummary.objects.create(
        workspace_id=workspace.pk, endpoint_id=workspace.pk, hour=hour, outcome="ip_not_allowed", status=403,
        address=address, count=count, last_at=hour,
    )  # fmt: skip


# Leads


def test_leads_are_kept_for_good_unless_their_type_says_otherwise(workspace: Workspace) -> None:
    general, sales, _ = workspace.lead_types.all()
    kept.keep_leads(sales, 30)
    young, old = add_lead(workspace, 29, sales), add_lead(workspace, 31, sales)
    other = add_lead(workspace, 9_999, general)
    LeadRepeat.objects.create(lead=old, workspace_id=workspace.pk, count=1, first_at=1, last_at=1)
    prune()
    assert set(Lead.objects.all()) == {young, other}
    assert not LeadRepeat.objects.exists()


def test_a_lead_that_goes_by_age_is_told_of_like_any_that_is_deleted_and_a_test_lead_is_not(
    workspace: Workspace,
) -> None:
    general = workspace.lead_types.all()[0]
    kept.keep_leads(general, 2)
    old = add_lead(workspace, 3)
    add_lead(workspace, 4, test=True)
    prune()
    event = Event.objects.get()
    assert (event.kind, event.lead_id, event.data) == ("lead.deleted", old.pk, {"lead": str(old.public_id)})
    entry = AuditEntry.objects.get(action="leads.deleted_by_age")
    assert (entry.subject, entry.changes) == ("General", {"count": [None, 2]})


def test_many_old_leads_go_in_slices(workspace: Workspace) -> None:
    kept.keep_leads(workspace.lead_types.all()[0], 2)
    for _ in range(250):
        add_lead(workspace, 3)
    prune()
    assert not Lead.objects.exists()
    assert Event.objects.count() == 250


# Calls, deliveries, audit


def test_each_workspace_keeps_calls_for_its_own_time(workspace: Workspace) -> None:
    other = create_workspace("Next door", "next-door")
    kept.set_kept(workspace, {"attempts": 7})
    for place in (workspace, other):
        for days in (6, 8):
            add_attempt(place, days)
            add_summary(place, days, "203.0.113.7")
    prune()
    for model in (Attempt, AttemptSummary):
        assert model.objects.filter(workspace_id=workspace.pk).count() == 1
        assert model.objects.filter(workspace_id=other.pk).count() == 2


def test_calls_are_kept_for_longer_than_usual_where_a_workspace_wants_it(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"attempts": 400})
    add_attempt(workspace, 300)
    add_attempt(workspace, 401)
    prune()
    assert retention.kept_ms("attempt") == 400 * DAY_MS
    assert Attempt.objects.count() == 1


def test_deliveries_go_with_their_tries_after_they_were_settled(workspace: Workspace) -> None:
    now = now_ms()
    channel = Channel.objects.create(workspace=workspace, kind="webhook", name="x", target="y", created_at=now)
    ages = {"old": (100, 95), "resent": (100, 1), "waiting": (80, None), "given up": (100, None)}
    for number, (happened, settled) in enumerate(ages.values()):
        delivery = Delivery.objects.create(
            workspace_id=workspace.pk, channel=channel, event_id=number, public_id=uuid.uuid4(), kind="lead.created",
            at=now - happened * DAY_MS, next_at=0, settled_at=None if settled is None else now - settled * DAY_MS,
        )  # fmt: skip
        DeliveryTry.objects.create(delivery=delivery, at=now, took_ms=1)
    prune()
    assert list(Delivery.objects.order_by("event_id").values_list("event_id", flat=True)) == [1, 2]
    assert DeliveryTry.objects.count() == 2


def test_the_audit_is_kept_for_good_unless_somebody_says_otherwise(workspace: Workspace) -> None:
    AuditEntry.objects.create(workspace=workspace, action="old", at=now_ms() - 9_000 * DAY_MS)
    prune()
    assert AuditEntry.objects.filter(action="old").exists()
    kept.set_kept(workspace, {"audit": 365})
    prune()
    assert not AuditEntry.objects.filter(action="old").exists()
    assert AuditEntry.objects.filter(action="retention.saved").exists()


def test_old_alerts_are_forgotten_and_open_ones_are_not(workspace: Workspace) -> None:
    for subject, resolved_at in (("old", 1), ("open", None), ("new", now_ms())):
        Alert.objects.create(workspace=workspace, kind="disk", subject=subject, raised_at=1, resolved_at=resolved_at)
    prune()
    assert set(Alert.objects.values_list("subject", flat=True)) == {"open", "new"}


# Addresses


def test_whole_addresses_are_kept_for_good_unless_somebody_says_otherwise(workspace: Workspace) -> None:
    add_lead(workspace, 9_000)
    prune()
    assert Lead.objects.get().address == "203.0.113.7"


def test_old_addresses_are_cut_to_their_network_in_leads_and_in_the_journal(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"addresses": 14})
    old, young = add_lead(workspace, 15), add_lead(workspace, 13)
    six = add_lead(workspace, 15, address="2001:db8:1:2:3:4:5:6", forwarded_by="198.51.100.1")
    by_hand = add_lead(workspace, 15, address=None)
    calls = [add_attempt(workspace, 15), add_attempt(workspace, 15, None), add_attempt(workspace, 13)]
    prune()
    expected: list[tuple[Any, str | None]] = [
        (old, "203.0.113.0/24"),
        (young, "203.0.113.7"),
        (six, "2001:db8:1:2::/64"),
        (by_hand, None),
        *zip(calls, ("203.0.113.0/24", None, "203.0.113.7"), strict=True),
    ]
    for row, address in expected:
        row.refresh_from_db()
        assert row.address == address
    assert six.forwarded_by == "198.51.100.1"


def test_held_leads_lose_their_address_as_well(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"addresses": 1})
    held = HeldLead.objects.create(
        workspace=workspace, public_id=uuid.uuid4(), endpoint=workspace.endpoints.all()[0],
        lead_type=workspace.lead_types.all()[0], name="a", phone="b", email="c", at=now_ms() - 2 * DAY_MS,
        address="203.0.113.7", request_id="0", reasons="links",
    )  # fmt: skip
    prune()
    held.refresh_from_db()
    assert held.address == "203.0.113.0/24"


def test_counted_calls_that_become_alike_become_one(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"addresses": 1})
    for address, count in (("203.0.113.7", 2), ("203.0.113.8", 3), ("198.51.100.1", 4), ("", 5)):
        add_summary(workspace, 3, address, count)
    add_summary(workspace, 0, "203.0.113.7", 6)
    prune()
    rows = AttemptSummary.objects.order_by("count", "address").values_list("address", "count")
    assert list(rows) == [("198.51.100.0/24", 4), ("", 5), ("203.0.113.0/24", 5), ("203.0.113.7", 6)]


def test_what_was_cut_already_is_not_looked_at_again(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"addresses": 1})
    for _ in range(3):
        add_lead(workspace, 2)
    ageing = Ageing()
    assert prune(ageing) == 3
    assert prune(ageing) == prune() == 0
    add_lead(workspace, 2)
    assert prune(ageing) == 1


# Periods


def test_periods_that_make_no_sense_are_refused_beside_their_field(workspace: Workspace) -> None:
    with pytest.raises(ActionError) as error:
        kept.set_kept(workspace, {"attempts": 0, "deliveries": None, "audit": 29, "addresses": True, "leads": 3})
    assert set(error.value.problems) == {"attempts", "deliveries", "audit", "addresses", "leads"}
    with pytest.raises(ActionError, match="from 2 to 36,500"):
        kept.keep_leads(workspace.lead_types.all()[0], 1)
    workspace.refresh_from_db()
    assert workspace.kept == {}


def test_only_what_differs_from_the_usual_periods_is_kept(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"attempts": 30, "deliveries": 90}, "olga@example.com")
    workspace.refresh_from_db()
    assert workspace.kept == {"attempts": 30}
    entry = AuditEntry.objects.get(action="retention.saved")
    assert (entry.actor, entry.changes) == ("olga@example.com", {"attempts": [90, 30]})
    kept.set_kept(workspace, {"attempts": 90})
    workspace.refresh_from_db()
    assert workspace.kept == {}


def test_a_document_that_this_version_cannot_read_throws_nothing_away() -> None:
    assert kept.kept_of({"brand_new": 1}).attempts == 3_650


def test_a_round_that_finds_nothing_asks_for_no_write_lock(workspace: Workspace) -> None:
    kept.set_kept(workspace, {"addresses": 1, "attempts": 7})
    add_lead(workspace, 0)
    with connection.execute_wrapper(refuse_writes):
        Ageing().prune(Slices(threading.Event()), now_ms())


def refuse_writes(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    assert sql.startswith(("SELECT", "WITH")), sql
    return execute(sql, params, many, context)
