"""Reading alerts, the newest first; everything begins at a workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stagewise.notify.models import Alert

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from stagewise.accounts.models import Workspace


def of_workspace(workspace: Workspace) -> QuerySet[Alert]:
    """All alerts of the workspace, open and resolved."""
    found = Alert.objects.filter(workspace=workspace).select_related("workspace", "endpoint", "channel")
    return found.order_by("-id")


def open_ones(workspace: Workspace) -> QuerySet[Alert]:
    """Those that are not resolved; snoozed ones are among them."""
    return of_workspace(workspace).filter(resolved_at=None)


def needing_a_look(workspace: Workspace, now: int) -> QuerySet[Alert]:
    """Those that are open and not snoozed at ``now`` (milliseconds since 1970)."""
    return open_ones(workspace).exclude(snoozed_until__gt=now)


def page(workspace: Workspace, before: int | None = None, size: int = 50) -> tuple[list[Alert], int | None]:
    """A page of the history, and the ``before`` of the next one; None: this is the last."""
    found = of_workspace(workspace) if before is None else of_workspace(workspace).filter(pk__lt=before)
    rows = list(found[: size + 1])
    return rows[:size], rows[size - 1].pk if len(rows) > size else None
