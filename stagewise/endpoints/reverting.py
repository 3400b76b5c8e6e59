"""Going back: one saved change of an endpoint's settings is undone, whatever else was saved since."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from django.db import transaction
from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import actions, optional
from stagewise.endpoints.models import Endpoint

#: What the audit calls a save; going back is one, so that it can be undone in the same way.
SAVED: Final = "endpoint.saved"
#: Their entries go back one by one, so that what others have added since stays.
_LISTS: Final = ("allowed_ips", "allowed_origins")


class Reverted(NamedTuple):
    """What became of it: the endpoint, the new audit entry, and the settings that stay, as they were changed since."""

    endpoint: Endpoint
    entry: AuditEntry
    left: list[str]


def can_revert(entry: AuditEntry) -> bool:
    """Whether the entry tells of a saved change with something in it that one can go back to."""
    shown = (pair for name, pair in entry.changes.items() if not _hidden(pair) and _known(name))
    return entry.action == SAVED and entry.subject_id is not None and any(shown)


def revert(endpoint: Endpoint, entry: AuditEntry, actor: str = "", address: str = "") -> Reverted:
    """Undo the change that the entry tells of, by the checks of every save.

    Of each setting goes back what is still as that change left it. Never a secret: the audit holds none. Raises
    :class:`Conflict` when nothing goes back, and :class:`ActionError` for an entry that tells of no change of this
    endpoint, or for what the rules do not allow any more.
    """
    # Entries of older releases name the endpoint only.
    of_this = entry.subject_id == endpoint.pk or (entry.subject_id is None and entry.subject == endpoint.name)
    if entry.workspace_id != endpoint.workspace_id or entry.action != SAVED or not of_this:
        raise ActionError({"": [_("This is no saved change of this endpoint.")]})
    with transaction.atomic():
        there = Endpoint.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=endpoint.pk)
        fields: dict[str, Any] = {}
        left: list[str] = []
        for name, (old, new) in entry.changes.items():
            if _hidden((old, new)) or not _known(name):
                left.append(name)
                continue
            document, _dot, field = name.rpartition(".")
            now = _now(there, document, field)
            before = _list_before(now, old, new) if name in _LISTS else (old if now == new else now)
            if before == now:
                left.append(name)
            elif document:
                fields.setdefault(document, {})[field] = _typed(document, field, before)
            else:
                fields[field] = before
        if not fields:
            raise Conflict(
                {"": [_("These settings were changed again in the meantime. Look at them before you decide.")]}
            )
        saved = actions.save_rules(there, actions.RuleChanges(**fields), actor, address, there.version)
        newest = AuditEntry.objects.filter(
            workspace_id=saved.workspace_id, action=SAVED, subject_id=saved.pk, about_lead=False
        ).latest("id")
    return Reverted(saved, newest, left)


def _known(name: str) -> bool:
    """Whether there is still a setting of this name."""
    document, _dot, field = name.rpartition(".")
    kind: type[msgspec.Struct] | None = actions.RuleChanges
    if document:
        kind = {str(each): rules for each, rules in optional.RULES.items()}.get(document)
    return kind is not None and field in {each.name for each in msgspec.structs.fields(kind)}


def _hidden(pair: list[Any] | tuple[Any, Any]) -> bool:
    return optional.HIDDEN in {str(each) for each in pair}


def _now(endpoint: Endpoint, document: str, field: str) -> Any:
    return getattr(endpoint, document).get(field) if document else getattr(endpoint, field)


def _list_before(now: list[str], old: list[str], new: list[str]) -> list[str]:
    """The list as it is, without what the change added and with what it took away, in the old places if it can be."""
    if now == new:
        return old
    added, removed = set(new) - set(old), [each for each in old if each not in new]
    kept = [each for each in now if each not in added]
    return [*kept, *(each for each in removed if each not in kept)]


def _typed(document: str, field: str, value: Any) -> Any:
    """A field of the optional rules as it is typed; one that was left out had its default."""
    if value is not None:
        return value
    kinds: dict[str, type[msgspec.Struct]] = {str(name): kind for name, kind in optional.RULES.items()}
    default = getattr(kinds[document](), field)
    return list(default) if isinstance(default, tuple) else default
