"""Reading the audit: by person and kind, in pages; each page costs the same however many entries there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db.models import Q

from stagewise.accounts.models import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import User, Workspace

PAGE_SIZE: Final = 50
#: Stands for the command line, which has no address, where a person is chosen.
COMMAND_LINE: Final = "-"
#: Kind → how its actions begin. What is left out here is shown with all settings.
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "endpoints": ("endpoint.", "alert."),
    "lead_types": ("lead_type.", "stage.", "alias.", "unmatched."),
    "channels": ("channel.", "delivery.", "deliveries."),
    "team": ("member.", "invitation.", "user.", "setup."),
    "tokens": ("token.", "api_token."),
    "workspace": ("workspace.", "retention."),
    "data": ("leads.", "import."),
}
#: The kind of what people do with leads: far more than all others, so it is read apart from them.
LEADS: Final = "leads"


class Page(NamedTuple):
    """Entries, newest first; ``older`` is the id before which the next page begins, None on the last."""

    entries: list[AuditEntry]
    older: int | None


def entries(
    workspace: Workspace, person: str = "", kind: str = "", before: int | None = None, size: int = PAGE_SIZE
) -> Page:
    """A page of a workspace's entries; ``person`` is an address or :data:`COMMAND_LINE`, ``kind`` one of the above."""
    found = AuditEntry.objects.filter(workspace=workspace, about_lead=kind == LEADS)
    if person:
        found = found.filter(actor="" if person == COMMAND_LINE else person)
    if kind in KINDS:
        found = found.filter(_begins(KINDS[kind]))
    if before is not None:
        found = found.filter(id__lt=before)
    rows = list(found.order_by("-id")[: size + 1])
    return Page(rows[:size], rows[size - 1].pk if len(rows) > size else None)


def of_account(user: User, size: int) -> list[AuditEntry]:
    """The newest of what happened to somebody's account: logins, passwords, second factors."""
    found = AuditEntry.objects.filter(workspace=None, actor=user.email, about_lead=False)
    return list(found.order_by("-id")[:size])


def _begins(prefixes: Sequence[str]) -> Q:
    wanted = Q()
    for prefix in prefixes:
        wanted |= Q(action__startswith=prefix)
    return wanted
