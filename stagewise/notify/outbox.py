"""The console's side of the outbox: events are written in the transaction in which they happen."""

from __future__ import annotations

from stagewise.core.ids import uuid7
from stagewise.notify.models import Event

#: What the console writes; ``lead.created`` is the lane's.
STAGE_CHANGED = "lead.stage_changed"
DELETED = "lead.deleted"


def write(workspace_id: int, kind: str, lead_id: int | None, at: int) -> Event:
    """Write an event that happened ``at`` (milliseconds since 1970); the worker hands it to the channels.

    Call it inside the action's transaction, so that there is no event without its change and no change without its
    event.
    """
    return Event.objects.create(workspace_id=workspace_id, public_id=uuid7(at), kind=kind, lead_id=lead_id, at=at)
