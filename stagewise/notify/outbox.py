"""The outbox: events are written in the transaction in which they happen, and the worker hands them to the channels.

``lead.created`` is mostly the lane's (stagewise/store); everything else is written from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from stagewise.core.ids import uuid7
from stagewise.notify.models import Event

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

    from stagewise.leads.models import Lead

#: Written here for a held lead that is released.
CREATED: Final = "lead.created"
UPDATED: Final = "lead.updated"
STAGE_CHANGED: Final = "lead.stage_changed"
ASSIGNED: Final = "lead.assigned"
DELETED: Final = "lead.deleted"
REFUSED: Final = "attempt.refused"
ALERT_RAISED: Final = "alert.raised"
ALERT_RESOLVED: Final = "alert.resolved"

#: What a channel may ask for → what people read beside it.
KINDS: Final[dict[str, _StrPromise]] = {
    CREATED: _("A lead came in"),
    UPDATED: _("A lead's details were changed"),
    STAGE_CHANGED: _("A lead was moved to another stage"),
    ASSIGNED: _("A lead was given to somebody"),
    DELETED: _("A lead was deleted"),
    REFUSED: _("Calls were refused (once an hour, with counts)"),
    ALERT_RAISED: _("Something needs a look"),
    ALERT_RESOLVED: _("That is in order again"),
}
#: What a new channel asks for unless it is told otherwise.
USUAL: Final = (CREATED,)

#: The event with which a channel is tried out; no channel asks for it.
TEST: Final = "test"
#: Many leads in one mail: a mail channel makes these deliveries itself, when there are too many for a mail each.
DIGEST: Final = "lead.digest"


def write(workspace_id: int, kind: str, lead_id: int | None, at: int, data: dict[str, Any] | None = None) -> Event:
    """Write an event that happened ``at`` (milliseconds since 1970); the worker hands it to the channels.

    ``data`` is what the kind calls for beside the lead. Call it inside the action's transaction, so that there is no
    event without its change and no change without its event.
    """
    return Event.objects.create(
        workspace_id=workspace_id, public_id=uuid7(at), kind=kind, lead_id=lead_id, data=data, at=at
    )


def write_of(lead: Lead, kind: str, at: int, data: dict[str, Any] | None = None) -> None:
    """Write an event of a lead, as :func:`write` does; nobody is told of test leads."""
    if not lead.test:
        write(lead.workspace_id, kind, lead.pk, at, {"lead": str(lead.public_id), **(data or {})})
