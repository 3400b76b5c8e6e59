"""What an event looks like to those who receive it: one object, the same on every try.

``type`` is the kind of event, ``id`` the delivery's id that a receiver tells repeats by, ``timestamp`` when it
happened. ``data`` of a lead's event is the object of the answer 201, with ``stage``, ``endpoint``, ``owner`` and
``tags`` by name and what is known of where it came from. ``previous_stage`` is there when the stage changed,
``previous_owner`` when it was given to somebody, ``changed`` (names of fields) when it was updated. Of a lead that has
been deleted, ``data`` holds nothing but its ``id`` and ``"deleted": true``, whatever the event says; ``merged_into`` is
the id of the lead that it was merged into. The other kinds carry what was written with them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stagewise.core.fields import phone_details
from stagewise.leads import queries
from stagewise.leads.models import Lead
from stagewise.notify import outbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.notify.models import Delivery


def payload(delivery: Delivery) -> dict[str, Any]:
    """The object of one delivery."""
    return payloads([delivery])[0]


def payloads(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """The objects of several deliveries, with one look into the database."""
    wanted = {delivery.lead_id for delivery in deliveries if delivery.lead_id is not None}
    leads = {}
    if wanted:
        rows = queries.with_what_is_shown(Lead.objects.filter(id__in=wanted)).select_related("workspace")
        leads = {lead.pk: lead for lead in rows}
    return [_object(each, None if each.lead_id is None else leads.get(each.lead_id)) for each in deliveries]


def _object(delivery: Delivery, lead: Lead | None) -> dict[str, Any]:
    return {
        "type": delivery.kind,
        "id": str(delivery.public_id),
        "timestamp": queries.iso(delivery.at),
        "data": dict(delivery.data or {}) if delivery.lead_id is None else _lead(delivery, lead),
    }


def _lead(delivery: Delivery, lead: Lead | None) -> dict[str, Any]:
    kept: dict[str, Any] = delivery.data or {}
    deleted = delivery.kind == outbox.DELETED  # it may have been put back since
    if deleted or lead is None or lead.workspace_id != delivery.workspace_id or str(lead.public_id) != kept.get("lead"):
        merged = {"merged_into": kept["merged_into"]} if "merged_into" in kept else {}
        return {"id": kept.get("lead"), "deleted": True, **merged}
    found = queries.as_dict(lead)
    if lead.derived_at is None:
        # The worker fills it in a moment later; a second try must not say more than the first.
        region = lead.workspace.default_region or None
        found["phone_e164"] = lead.phone_e164 or phone_details(lead.phone, region)[0]
    return found | {name: value for name, value in kept.items() if name != "lead"}
