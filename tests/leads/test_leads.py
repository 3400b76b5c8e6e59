from __future__ import annotations

import uuid

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints.models import Hit
from stagewise.leads import actions, finding, queries, working
from stagewise.leads.finding import Filters
from stagewise.leads.models import Lead
from stagewise.notify.models import Event
from stagewise.worker.derive import derive
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db


# Working a lead


def test_a_change_of_stage_is_an_event_and_an_audit_entry(cast: Cast) -> None:
    won = cast.acme.types[0].stages.get(name="Won")
    assert working.set_stage(cast.acme.lead, won, "agnes@example.com").stage == won
    event = Event.objects.get()
    assert (event.kind, event.lead_id, event.workspace_id, event.dispatched_at) == (
        "lead.stage_changed",
        cast.acme.lead.pk,
        cast.acme.workspace.pk,
        None,
    )
    entry = AuditEntry.objects.get(action="lead.stage_changed")
    assert (entry.actor, entry.subject) == ("agnes@example.com", str(cast.acme.lead.public_id))
    assert entry.changes == {"stage": ["New", "Won"]}


def test_the_stage_that_it_stands_in_is_no_change(cast: Cast) -> None:
    working.set_stage(cast.acme.lead, cast.acme.lead.stage)
    assert not Event.objects.exists()


def test_a_lead_takes_no_stage_of_another_type(cast: Cast) -> None:
    with pytest.raises(ActionError, match="no stage of this lead's type"):
        working.set_stage(cast.acme.lead, cast.acme.types[1].stages.get(name="Won"))


def test_a_lead_takes_no_archived_stage(cast: Cast) -> None:
    archived = actions.archive_stage(cast.acme.types[0].stages.get(name="Won"))
    with pytest.raises(ActionError, match="archived"):
        working.set_stage(cast.acme.lead, archived)


def test_a_deleted_lead_is_gone_but_its_slot_stays_used(cast: Cast) -> None:
    Hit.objects.create(
        workspace_id=cast.acme.workspace.pk,
        endpoint_id=cast.acme.endpoint.pk,
        bucket="203.0.113.7",
        at=cast.acme.lead.created_at,
    )
    working.delete_lead(cast.acme.lead, "agnes@example.com")
    working.delete_lead(cast.acme.lead, "agnes@example.com")
    assert not Lead.objects.filter(workspace=cast.acme.workspace).exists()
    assert Hit.objects.count() == 1
    assert [event.kind for event in Event.objects.all()] == ["lead.deleted"]


def test_the_audit_does_not_keep_what_a_deleted_lead_said(cast: Cast) -> None:
    working.delete_lead(cast.acme.lead, "agnes@example.com")
    entries = str(list(AuditEntry.objects.values()))
    assert "Grace" not in entries
    assert "grace@" not in entries


# Reading leads


def test_a_lead_is_printed_as_it_was_answered_with_its_stage_and_endpoint(cast: Cast) -> None:
    made = lead(cast.acme, created_at=1_767_268_800_123, phone_e164=None, message=None)
    assert queries.as_dict(made) == {
        "id": str(made.public_id),
        "name": "Grace Hopper",
        "phone": "+1 202 555 0123",
        "phone_e164": None,
        "email": "grace@example.com",
        "message": None,
        "lead_type": {"name": "General"},
        "test": False,
        "created_at": "2026-01-01T12:00:00.123Z",
        "stage": "New",
        "endpoint": "My website",
        "owner": None,
        "tags": [],
    }


def test_a_lead_of_another_workspace_is_not_found(cast: Cast) -> None:
    with pytest.raises(Lead.DoesNotExist):
        queries.get(cast.acme.workspace, cast.next_door.lead.public_id)
    with pytest.raises(Lead.DoesNotExist):
        queries.get(cast.acme.workspace, uuid.uuid4())


def found(cast: Cast, search: str) -> list[str]:
    return [each.name for each in finding.find(cast.acme.workspace, Filters(search=search)).leads]


@pytest.mark.parametrize("derived", [False, True], ids=["fresh", "derived"])
@pytest.mark.parametrize(
    ("search", "is_found"),
    [
        ("Jürgen", True),
        ("jürgen müller", True),
        ("MÜLLER", True),
        ("müller jürgen", True),
        ("Ju\u0308rgen", True),
        ("j.mueller@", True),
        ("J.MUELLER@BÜCHER.EXAMPLE", True),
        ("+49 170 1234567", True),
        ("0170 1234567", True),
        ("0170/123-4567", True),
        ("0049 (170) 1234567", True),
        ("1234567", True),
        ("170.123", True),
        ("٠١٧٠ ١٢٣٤٥٦٧", True),
        ("０１７０１２３４５６７", True),
        ("müller 0170", True),
        ("müller 0171", False),
        ("999", False),
        ("%", False),
        ("_", False),
        ("\\", False),
        ("\x00", False),
        ("Meyer", False),
        ("'; DROP TABLE lead; --", False),
    ],
)
def test_leads_are_found_by_name_email_and_phone_in_any_spelling(
    cast: Cast, search: str, is_found: bool, derived: bool
) -> None:
    name, email, phone, e164 = "Jürgen Müller", "j.mueller@bücher.example", "+49 (0) 170 / 123 45 67", "+491701234567"
    made = lead(cast.acme, name=name, email=email, phone=phone, phone_e164=e164)
    lead(cast.next_door, name=name, email=email, phone=phone, phone_e164=e164)
    if derived:
        derive(10)
    assert found(cast, search) == ([made.name] if is_found else [])


def test_an_empty_search_finds_everything(cast: Cast) -> None:
    assert found(cast, "  ") == ["Grace Hopper"]
