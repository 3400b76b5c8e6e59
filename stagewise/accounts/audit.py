"""Who did what: one row for each change, written in the transaction that makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stagewise.accounts import caller
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace

#: ``{"field": [old, new]}``
Changes = dict[str, list[Any]]

#: How actions begin that are work on leads one by one; all others concern settings, people, or very many leads.
ABOUT_LEADS: Final = ("lead.", "held.")


def record(
    workspace: Workspace | None,
    actor: str,
    action: str,
    subject: str = "",
    changes: Changes | None = None,
    address: str = "",
    subject_id: int | None = None,
) -> AuditEntry:
    """Add an audit entry, and return it.

    ``actor`` is the user's e-mail address, empty for the command line; ``workspace`` is None for what concerns the
    installation, such as a login; ``subject_id`` is the row that was changed, where one can go back to it. Never put a
    secret or a lead's data into ``changes``. Without an ``address`` it is the one of the request that is answered.
    """
    return AuditEntry.objects.create(
        workspace=workspace,
        actor=actor[:254],
        action=action,
        subject=subject[:200],
        subject_id=subject_id,
        changes=changes or {},
        address=(address or caller.here())[:45],
        about_lead=action.startswith(ABOUT_LEADS),
        at=now_ms(),
    )
