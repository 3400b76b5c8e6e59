"""Deleted leads: listed, put back, and gone for good."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.apps import apps

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member
from stagewise.leads import held, merging, notes, tags, tasks, trash, working
from stagewise.leads.models import DeletedLead, HeldLead, Lead, LeadAttribution, LeadRepeat
from stagewise.notify.models import Event
from stagewise.worker import kept, retention
from stagewise.worker.derive import derive
from stagewise.worker.retention import DAY_MS
from stagewise.worker.slices import Slices
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AGNES = "agnes@example.com"


def prune() -> int:
    return retention.prune(Slices(threading.Event()))


def dressed(cast: Cast, **fields: Any) -> Lead:
    """A lead with everything that can hang on one."""
    found = lead(cast.acme, **fields)
    agnes = Member.objects.select_related("user").get(user=cast.agnes)
    LeadAttribution.objects.create(lead=found, workspace_id=found.workspace_id, utm_source="newsletter")
    LeadRepeat.objects.create(lead=found, workspace_id=found.workspace_id, count=2, first_at=1, last_at=2)
    notes.add_note(found, agnes, "Called, @adam@example.com please look")
    notes.delete_note(notes.add_note(found, agnes, "A slip"), agnes)
    tags.tag(found, "VIP", AGNES)
    tasks.add_task(found, None, "Call again", 1_900_000_000_000, AGNES)
    derive(10)
    return found


def traces(of: Lead) -> dict[str, int]:
    """How many rows of which tables name this lead, but for events and deliveries, which say no more than its id."""
    found = {}
    for model in apps.get_app_config("leads").get_models():
        columns = {field.attname for field in model._meta.concrete_fields}
        if "lead_id" in columns:
            count = model._base_manager.filter(lead_id=of.pk).count()
        elif model is Lead:
            count = Lead.objects.filter(pk=of.pk).count()
        else:
            continue
        if count:
            found[model._meta.db_table] = count
    return found


def test_a_lead_leaves_a_trace_in_every_table_that_hangs_on_one(cast: Cast) -> None:
    """The control of the tests below: what they look for is there before."""
    assert set(traces(dressed(cast))) == {
        *("lead", "lead_attribution", "lead_repeat", "lead_search", "lead_note", "lead_mention", "lead_tag"),
        *("lead_task", "lead_activity"),
    }


def test_what_was_deleted_is_listed_newest_first_page_by_page(cast: Cast) -> None:
    made = [lead(cast.acme, name=f"Lead {number}") for number in range(5)]
    for each in made:
        working.delete_lead(each, AGNES)
    working.delete_lead(cast.next_door.lead)
    first = trash.page(cast.acme.workspace, size=3)
    second = trash.page(cast.acme.workspace, first.next_before, size=3)
    assert [each.name for each in (*first.leads, *second.leads)] == [each.name for each in reversed(made)]
    assert second.next_before is None


def test_what_was_merged_is_listed_with_where_it_went(cast: Cast) -> None:
    merging.merge(cast.acme.lead, lead(cast.acme), AGNES)
    listed = trash.page(cast.acme.workspace).leads
    assert trash.went_into(listed) == {cast.acme.lead.pk: cast.acme.lead}


def test_what_is_deleted_for_good_leaves_nothing(cast: Cast) -> None:
    found, other = dressed(cast), dressed(cast)
    working.delete_lead(found, AGNES)
    Event.objects.all().delete()
    trash.delete_for_good(cast.acme.workspace, found.public_id, AGNES)
    assert traces(found) == {}
    assert len(traces(other)) == 9
    assert not DeletedLead.objects.exists()
    assert not Event.objects.exists()
    entry = AuditEntry.objects.get(action="lead.deleted_for_good")
    assert (entry.actor, entry.subject, entry.changes) == (AGNES, str(found.public_id), {})
    with pytest.raises(ActionError, match="not in the trash"):
        trash.delete_for_good(cast.acme.workspace, found.public_id, AGNES)


def test_what_was_held_before_it_was_a_lead_goes_with_it(cast: Cast) -> None:
    [made] = held.release(cast.acme.workspace, [cast.acme.held.public_id])
    working.delete_lead(made)
    trash.delete_for_good(cast.acme.workspace, made.public_id)
    assert not HeldLead.objects.filter(public_id=made.public_id).exists()


def test_nobody_deletes_for_good_what_is_next_door(cast: Cast) -> None:
    working.delete_lead(cast.acme.lead)
    with pytest.raises(ActionError):
        trash.delete_for_good(cast.next_door.workspace, cast.acme.lead.public_id)
    assert DeletedLead.objects.exists()


def test_after_thirty_days_it_goes_by_itself(cast: Cast) -> None:
    old, young = dressed(cast), dressed(cast)
    working.delete_lead(old)
    working.delete_lead(young)
    aged = DeletedLead.objects.filter(lead_id=old.pk)
    aged.update(deleted_at=now_ms() - trash.KEPT_MS - 1)
    assert [each.lead_id for each in trash.page(cast.acme.workspace).leads] == [young.pk]
    prune()
    assert traces(old) == {}
    assert not aged.exists()
    assert working.restore(cast.acme.workspace, young.public_id).pk == young.pk


def test_a_type_that_keeps_its_leads_for_a_short_time_keeps_deleted_ones_no_longer(cast: Cast) -> None:
    kept.keep_leads(cast.acme.types[0], 2)
    old = dressed(cast, created_at=now_ms() - 3 * DAY_MS)
    other_type = dressed(cast, created_at=now_ms() - 3 * DAY_MS, lead_type=cast.acme.types[1])
    young = dressed(cast)
    for each in (old, other_type, young):
        working.delete_lead(each)
    prune()
    assert traces(old) == {}
    assert set(DeletedLead.objects.values_list("lead_id", flat=True)) == {other_type.pk, young.pk}


def test_a_lead_that_goes_by_its_age_leaves_nothing(cast: Cast) -> None:
    kept.keep_leads(cast.acme.types[0], 2)
    old = dressed(cast, created_at=now_ms() - 3 * DAY_MS)
    prune()
    assert traces(old) == {}


def test_a_test_lead_that_goes_after_a_week_leaves_nothing(cast: Cast) -> None:
    old = dressed(cast, test=True, created_at=now_ms() - 8 * DAY_MS)
    prune()
    assert traces(old) == {}


def test_addresses_of_deleted_leads_are_truncated_when_those_of_others_are(cast: Cast) -> None:
    kept.set_kept(cast.acme.workspace, {"addresses": 2})
    old, young = lead(cast.acme, created_at=now_ms() - 3 * DAY_MS), lead(cast.acme)
    by_hand = lead(cast.acme, created_at=now_ms() - 3 * DAY_MS, address=None)
    for each in (old, young, by_hand):
        working.delete_lead(each)
    prune()
    for each in (old, young, by_hand):
        working.restore(cast.acme.workspace, each.public_id)
    found = dict(Lead.objects.values_list("pk", "address"))
    assert [found[each.pk] for each in (old, young, by_hand)] == ["203.0.113.0/24", "203.0.113.7", None]
