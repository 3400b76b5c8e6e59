"""Leads for programs: listed, read, changed, with their notes; and the lead types.

Each operation only translates: what may be done and what follows from it, the apps say.
"""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Status

from stagewise.accounts import audit, tokens
from stagewise.accounts.caller import address_of
from stagewise.accounts.errors import ActionError
from stagewise.api import reading, schemas
from stagewise.api.auth import Caller, Token
from stagewise.api.problems import Refused, Wrong
from stagewise.core.lead_types import key
from stagewise.leads import finding, notes, queries, tags, working
from stagewise.leads.models import Lead, LeadNote

if TYPE_CHECKING:
    from collections.abc import Iterator

router = Router()

#: The largest row id of either database.
_LARGEST = 2**63 - 1


@router.get(
    "/leads",
    auth=Token(tokens.LEADS_READ),
    response=schemas.LeadPage,
    url_name="api_leads",
    operation_id="listLeads",
    summary="List leads",
)
def list_leads(request: HttpRequest, query: Query[schemas.LeadQuery]) -> dict[str, Any]:
    """A page of leads. A page may hold fewer than `limit`, even none, while `next_cursor` is there: go on until it is
    null."""  # noqa: D205, D209 - shown as it stands
    caller = _caller(request)
    reading.only_known(request, schemas.LeadQuery)
    filters, cursor = reading.filters_of(caller, query), reading.cursor_of(query)
    page = finding.find(caller.workspace, filters, cursor, query.limit)
    following = str(page.following) if page.following else None
    return {"leads": [reading.as_dict(lead) for lead in page.leads], "next_cursor": following}


@router.get(
    "/leads/{uuid:lead_id}",
    auth=Token(tokens.LEADS_READ),
    response=schemas.Lead,
    url_name="api_lead",
    operation_id="getLead",
    summary="Read a lead",
)
def get_lead(request: HttpRequest, response: HttpResponse, lead_id: uuid.UUID) -> dict[str, Any]:
    """One lead. Its `ETag` can be sent as `If-Match` when the lead is changed."""
    shown = reading.as_dict(_lead(_caller(request), lead_id))
    response["ETag"] = reading.etag_of(shown)
    return shown


@router.patch(
    "/leads/{uuid:lead_id}",
    auth=Token(tokens.LEADS_WRITE),
    response=schemas.Lead,
    url_name="api_lead",
    operation_id="changeLead",
    summary="Change stage, owner and tags of a lead",
)
def change_lead(
    request: HttpRequest, response: HttpResponse, lead_id: uuid.UUID, change: schemas.LeadChange
) -> dict[str, Any]:
    """All or nothing. With `If-Match` (412) or `changed_at` (409) nothing is changed that somebody else has changed
    since you read it."""  # noqa: D205, D209 - shown as it stands
    caller = _caller(request)
    with _refusing(), transaction.atomic():
        lead = working.locked(_lead(caller, lead_id))
        _compare(request, caller, lead, change)
        _change(caller, lead, change)
        if change.model_fields_set - {"changed_at"}:
            _note_the_token(request, caller, lead)
    shown = reading.as_dict(_lead(caller, lead_id))
    response["ETag"] = reading.etag_of(shown)
    return shown


@router.get(
    "/leads/{uuid:lead_id}/notes",
    auth=Token(tokens.LEADS_READ),
    response=schemas.NotePage,
    url_name="api_notes",
    operation_id="listNotes",
    summary="List the notes of a lead",
)
def list_notes(request: HttpRequest, lead_id: uuid.UUID, query: Query[schemas.NoteQuery]) -> dict[str, Any]:
    """The notes, newest first."""
    reading.only_known(request, schemas.NoteQuery)
    found = LeadNote.objects.filter(lead=_lead(_caller(request), lead_id)).select_related("member__user")
    if query.cursor:
        found = found.filter(pk__lt=min(int(query.cursor), _LARGEST))
    rows = list(found.order_by("-pk")[: query.limit + 1])
    following = str(rows[query.limit - 1].pk) if len(rows) > query.limit else None
    return {"notes": [_note(note) for note in rows[: query.limit]], "next_cursor": following}


@router.post(
    "/leads/{uuid:lead_id}/notes",
    auth=Token(tokens.LEADS_WRITE),
    response={201: schemas.Note},
    url_name="api_notes",
    operation_id="addNote",
    summary="Write a note about a lead",
)
def add_note(request: HttpRequest, lead_id: uuid.UUID, note: schemas.NewNote) -> Status[dict[str, Any]]:
    """The note is written by the token's member; members that it mentions are told by mail."""
    caller = _caller(request)
    with _refusing(), transaction.atomic():
        lead = _lead(caller, lead_id)
        made = notes.add_note(lead, caller.member, note.text)
        _note_the_token(request, caller, lead)
    return Status(201, _note(made))


@router.get(
    "/lead-types",
    auth=Token(tokens.LEAD_TYPES_READ),
    response=schemas.LeadTypeList,
    url_name="api_lead_types",
    operation_id="listLeadTypes",
    summary="List the lead types with their stages",
)
def list_lead_types(request: HttpRequest, query: Query[schemas.LeadTypeQuery]) -> dict[str, Any]:
    """The lead types in their order; archived ones, where they are wanted, come last."""
    reading.only_known(request, schemas.LeadTypeQuery)
    found = queries.lead_types(_caller(request).workspace, archived=None if query.archived else False)
    return {"lead_types": [queries.lead_type_as_dict(each) for each in found]}


def _caller(request: HttpRequest) -> Caller:
    # What Token has returned; ninja keeps it there.
    return cast("Caller", request.auth)  # type: ignore[attr-defined]


def _lead(caller: Caller, lead_id: uuid.UUID) -> Lead:
    try:
        return queries.get(caller.workspace, lead_id)
    except Lead.DoesNotExist:
        raise Refused("not_found", "There is no such lead; it may have been deleted.") from None


def _compare(request: HttpRequest, caller: Caller, lead: Lead, change: schemas.LeadChange) -> None:
    """Refuse a change of what the program has not seen; the lead is locked."""
    wanted = request.headers.get("If-Match", "").strip()
    if wanted and wanted != "*":
        there = reading.etag_of(reading.as_dict(_lead(caller, lead.public_id)))
        if there not in [each.strip() for each in wanted.split(",")]:
            raise Refused("precondition_failed")
    if "changed_at" in change.model_fields_set:
        seen = None if change.changed_at is None else reading.moment_seen(change.changed_at)
        if change.changed_at is not None and seen is None:
            raise _wrong("changed_at", "invalid", "Send changed_at as it was in the answer.")
        if seen != lead.changed_at:
            raise Refused("conflict")


def _change(caller: Caller, lead: Lead, change: schemas.LeadChange) -> None:
    sent = change.model_fields_set
    if "stage" in sent:
        stage = next((each for each in lead.lead_type.stages.all() if key(each.name) == key(change.stage)), None)
        if stage is None:
            raise _wrong("stage", "unknown", f"The lead type “{lead.lead_type.name}” has no such stage.")
        working.set_stage(lead, stage, caller.actor, reason=change.reason)
    elif "reason" in sent:
        working.set_stage(lead, lead.stage, caller.actor, reason=change.reason)
    if "owner" in sent:
        owner = None if change.owner is None else reading.member_named(lead.workspace, change.owner)
        if change.owner is not None and owner is None:
            raise _wrong("owner", "unknown", "No active member has this e-mail address.")
        working.assign(lead, owner, caller.actor)
    if "tags" in sent:
        _set_tags(caller, lead, change.tags)


def _set_tags(caller: Caller, lead: Lead, wanted: list[str]) -> None:
    """Exactly these tags, by name: first those that are too many go, so that there is room."""
    keys = {key(name) for name in wanted}
    there = tags.names_for([lead]).get(lead.pk, [])
    for tag in there:
        if tag.name_key not in keys:
            tags.untag(lead, tag, caller.actor)
    for name in wanted:
        tags.tag(lead, name, caller.actor)


def _note_the_token(request: HttpRequest, caller: Caller, lead: Lead) -> None:
    """Beside the member, who stands in the other entries, the audit names the token."""
    changes: audit.Changes = {"token": [None, f"{caller.token.name} ({caller.token.hint}…)"]}
    audit.record(
        caller.workspace, caller.actor, "lead.worked_by_token", str(lead.public_id), changes, address_of(request)
    )


def _note(note: LeadNote) -> dict[str, Any]:
    return {
        "id": note.pk,
        "text": note.text,
        "author": note.member.user.email if note.member else None,
        "created_at": queries.iso(note.at),
        "edited_at": None if note.edited_at is None else queries.iso(note.edited_at),
    }


@contextmanager
def _refusing() -> Iterator[None]:
    """What an action cannot do becomes an answer, field by field; what it had begun is taken back."""
    try:
        yield
    except ActionError as error:
        named = {"tag": "tags"}
        wrong = [
            Wrong(named.get(field, field), "invalid", text) for field, texts in error.problems.items() for text in texts
        ]
        raise Refused("invalid_fields", errors=wrong) from error


def _wrong(field: str, code: str, said: str) -> Refused:
    return Refused("invalid_fields", errors=[Wrong(field, code, said)])
