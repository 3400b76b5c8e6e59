"""How long a workspace keeps what: typed periods, in days, in ``Workspace.kept``; those left out have their default.

What a lead type keeps its leads for is in ``LeadType.keep_days``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from django.db import transaction

from stagewise.accounts import audit
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.leads.models import LeadType

if TYPE_CHECKING:
    from collections.abc import Mapping


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Periods in days; None: for good."""

    #: Calls in Logs.
    attempts: int = 90
    #: Deliveries with their tries, those that wait at a paused channel too.
    deliveries: int = 90
    #: Who changed what.
    audit: int | None = None
    #: Whole addresses of leads, held leads and calls. After that, only the network is kept: /24, or /64 of IPv6.
    addresses: int | None = None


#: Field → smallest and largest period. Deliveries are tried for three days, and failed ones can be sent again.
BOUNDS: Final = {"attempts": (1, 3_650), "deliveries": (7, 3_650), "audit": (30, 3_650), "addresses": (1, 3_650)}
#: A lead outlives the Idempotency-Key that it was sent with.
LEAD_DAYS: Final = (2, 36_500)

_NAMES: Final = tuple(field.name for field in msgspec.structs.fields(Kept))
_FOR_GOOD: Final = {"audit", "addresses"}


def kept_of(document: Mapping[str, Any]) -> Kept:
    """The periods of ``Workspace.kept``. Of a document that this version cannot read nothing is thrown away early."""
    try:
        return msgspec.convert(dict(document), Kept)
    except msgspec.ValidationError:
        return Kept(attempts=3_650, deliveries=3_650)


def as_dict(workspace: Workspace) -> dict[str, Any]:
    """All periods, for scripts; ``leads`` by lead type."""
    types = LeadType.objects.filter(workspace=workspace)
    return {**msgspec.structs.asdict(kept_of(workspace.kept)), "leads": dict(types.values_list("name", "keep_days"))}


def set_kept(workspace: Workspace, changes: Mapping[str, Any], actor: str = "") -> Workspace:
    """Change the given periods, all or none; raises :class:`ActionError` with the problems by field.

    What is older than a shorter period goes at the worker's next round, for good.
    """
    problems = {name: text for name, value in changes.items() if (text := _problem(name, value))}
    if problems:
        raise ActionError({name: [text] for name, text in problems.items()})
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        before = msgspec.structs.asdict(kept_of(workspace.kept))
        differing: audit.Changes = {
            name: [before[name], value] for name, value in changes.items() if before[name] != value
        }
        if differing:
            usual = msgspec.structs.asdict(Kept())
            together = {**before, **changes}
            workspace.kept = {name: together[name] for name in _NAMES if together[name] != usual[name]}
            workspace.save(update_fields=["kept"])
            audit.record(workspace, actor, "retention.saved", workspace.name, differing)
    return workspace


def keep_leads(lead_type: LeadType, days: int | None, actor: str = "") -> LeadType:
    """Delete leads of this type so many days after they came; None: never. Raises :class:`ActionError`."""
    smallest, largest = LEAD_DAYS
    if days is not None and not _fits(days, smallest, largest):
        raise ActionError(
            {"keep_days": [f"Choose a number of days from {smallest} to {largest:,}, or leave it empty for ever."]}
        )
    with transaction.atomic():
        there = LeadType.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=lead_type.pk)
        if there.keep_days != days:
            changes: audit.Changes = {"keep_days": [there.keep_days, days]}
            there.keep_days = days
            there.save(update_fields=["keep_days"])
            audit.record(there.workspace, actor, "lead_type.keep_saved", there.name, changes)
    return there


def _problem(name: str, value: object) -> str:
    if name not in _NAMES:
        return f"There is no such period; there are {', '.join(_NAMES)}."
    if (value is None and name in _FOR_GOOD) or _fits(value, *BOUNDS[name]):
        return ""
    smallest, largest = BOUNDS[name]
    or_not = ", or leave it empty for ever" if name in _FOR_GOOD else ""
    return f"Choose a number of days from {smallest} to {largest:,}{or_not}."


def _fits(value: object, smallest: int, largest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= largest
