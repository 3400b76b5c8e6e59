"""Reading leads and lead types. Everything begins at a workspace."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Literal

from django.db import connection
from django.db.models import F, Prefetch, QuerySet

from stagewise.leads.models import Lead, LeadAttribution, LeadTag, LeadType
from stagewise.options import attribution

if TYPE_CHECKING:
    import uuid
    from collections.abc import Mapping

    from stagewise.accounts.models import Workspace

_PLAIN = (*attribution.URLS, *attribution.CAMPAIGN)

#: So many values of a campaign field are offered to filter by.
_MOST_VALUES = 100

#: One seek in the index for each value, however many leads have it: each step asks for the next greater value.
_VALUES = """
WITH RECURSIVE found(value) AS (
  SELECT min({column}) FROM lead_attribution WHERE workspace_id = %s
  UNION ALL
  SELECT (SELECT min({column}) FROM lead_attribution WHERE workspace_id = %s AND {column} > found.value)
  FROM found WHERE found.value IS NOT NULL
)
SELECT value FROM found WHERE value IS NOT NULL LIMIT %s
"""


def of_workspace(workspace: Workspace) -> QuerySet[Lead]:
    """All leads of the workspace with what pages and exports show beside them."""
    return with_what_is_shown(Lead.objects.filter(workspace=workspace))


def with_what_is_shown(leads: QuerySet[Lead]) -> QuerySet[Lead]:
    """These leads with all that :func:`as_dict` asks for, in two queries however many they are."""
    beside = leads.select_related("lead_type", "stage", "endpoint", "attribution", "owner__user")
    tags = LeadTag.objects.select_related("tag").order_by("tag__name_key")
    return beside.prefetch_related(Prefetch("lead_tags", tags))


def get(workspace: Workspace, public_id: uuid.UUID) -> Lead:
    """One lead of the workspace; raises ``Lead.DoesNotExist``."""
    return of_workspace(workspace).select_related("repeat").get(public_id=public_id)


def neighbour(lead: Lead, *, newer: bool) -> uuid.UUID | None:
    """The public id of the lead that came right after this one, or right before it."""
    rows = Lead.objects.filter(workspace_id=lead.workspace_id)
    rows = rows.filter(pk__gt=lead.pk).order_by("pk") if newer else rows.filter(pk__lt=lead.pk).order_by("-pk")
    return rows.values_list("public_id", flat=True).first()


def came_by(lead: Lead) -> dict[str, str]:
    """Where on the web the lead came from, by the names under which it was sent; empty where nothing is known."""
    found: LeadAttribution | None = getattr(lead, "attribution", None)
    if found is None:
        return {}
    return came_by_of({name: getattr(found, name) for name in (*_PLAIN, "click_ids")})


def came_by_of(found: Mapping[str, Any] | None) -> dict[str, str]:
    """The same of an attribution as a held lead keeps it: click ids stand with the rest, what is empty is left out."""
    if not found:
        return {}
    plain = {name: found.get(name) for name in _PLAIN}
    return {name: value for name, value in {**plain, **(found.get("click_ids") or {})}.items() if value}


def campaign_values(workspace: Workspace, field: Literal["utm_source", "utm_campaign"]) -> list[str]:
    """The values of a campaign field that leads of the workspace have, in order; the first hundred."""
    with connection.cursor() as cursor:
        cursor.execute(_VALUES.format(column=field), [workspace.pk, workspace.pk, _MOST_VALUES])
        return [value for (value,) in cursor.fetchall()]


def has_test_leads(workspace: Workspace) -> bool:
    """Whether there are test leads, which go after a week."""
    # A sum keeps planners from the index of the workspace's leads: these are few, and have an index of their own.
    mine = Lead.objects.annotate(of=F("workspace_id") + 0).filter(of=workspace.pk)
    return mine.filter(test=True).exists()


def as_dict(lead: Lead) -> dict[str, Any]:
    """The object that the 201 held, and where the lead stands: ``stage``, ``endpoint`` and ``tags`` by name.

    ``owner`` is an e-mail address, or None. ``forwarded_by`` and ``attribution`` are there where something is known:
    which server named the visitor's address, and page, referrer, campaign and click ids.
    """
    known = {"forwarded_by": lead.forwarded_by, "attribution": came_by(lead)}
    return {
        "id": str(lead.public_id),
        "name": lead.name,
        "phone": lead.phone,
        "phone_e164": lead.phone_e164,
        "email": lead.email,
        "message": lead.message,
        "lead_type": {"name": lead.lead_type.name},
        "test": lead.test,
        "created_at": iso(lead.created_at),
        "stage": lead.stage.name,
        "endpoint": lead.endpoint.name if lead.endpoint else None,
        "owner": lead.owner.user.email if lead.owner else None,
        "tags": [tag.name for tag in sorted((each.tag for each in lead.lead_tags.all()), key=lambda tag: tag.name_key)],
        **{name: value for name, value in known.items() if value},
    }


def lead_types(workspace: Workspace, *, archived: bool | None = None) -> list[LeadType]:
    """The lead types with their stages: those in use in their order, then the archived ones; or only one kind."""
    found = LeadType.objects.filter(workspace=workspace).prefetch_related("stages")
    if archived is not None:
        found = found.filter(archived_at__isnull=not archived)
    return sorted(found, key=lambda each: (each.archived_at is not None, each.position, each.pk))


def lead_type_as_dict(lead_type: LeadType) -> dict[str, Any]:
    """A lead type as the command line prints it; ``default`` is the one for leads that name none."""
    active = lead_type.archived_at is None
    return {
        "name": lead_type.name,
        "position": lead_type.position,
        "default": active and lead_type.position == 0,
        "archived": not active,
        "stages": [
            {"name": stage.name, "kind": stage.kind} for stage in lead_type.stages.all() if stage.archived_at is None
        ],
    }


def iso(at_ms: int) -> str:
    """Milliseconds since 1970 as ``2026-01-01T12:00:00.123Z``."""
    moment = datetime.datetime.fromtimestamp(at_ms // 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"
