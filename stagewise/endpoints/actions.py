"""Changes of endpoints. A saved change holds for the next request: the lane reads the rules in each transaction."""

from __future__ import annotations

import copy
import math
import secrets
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from django.db import transaction
from msgspec import UNSET, UnsetType

from stagewise.accounts import audit, names
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import Workspace
from stagewise.core.limits import LARGEST, SMALLEST
from stagewise.core.versions import new_version
from stagewise.endpoints import entries, optional
from stagewise.endpoints.models import Endpoint, EndpointKey

if TYPE_CHECKING:
    from collections.abc import Callable

#: A new endpoint's limit; the guide's middle recommendation.
FIRST_LIMIT = 10

#: The longest time that a rotated key may go on working.
LONGEST_OVERLAP_HOURS = 24 * 30

_HOUR_MS = 3_600_000


#: What may become of a lead over the limit.
OVER_LIMIT = ("refuse", "hold")

#: The two lists of an endpoint.
EntryField = Literal["allowed_ips", "allowed_origins"]


class RuleChanges(msgspec.Struct, kw_only=True):
    """What to change of an endpoint; what is left out stays. Lists are as typed."""

    name: str | UnsetType = UNSET
    enabled: bool | UnsetType = UNSET
    allow_all_ips: bool | UnsetType = UNSET
    allowed_ips: list[str] | UnsetType = UNSET
    #: What the owner calls entries of it, by entry.
    ip_notes: dict[str, str] | UnsetType = UNSET
    allowed_origins: list[str] | UnsetType = UNSET
    #: None: no limit.
    max_leads_per_ip: int | UnsetType | None = UNSET
    #: Callers on the IP list may name the visitor's address.
    forwarding: bool | UnsetType = UNSET
    #: None: no ceiling.
    server_ceiling: int | UnsetType | None = UNSET
    #: ``refuse`` or ``hold``.
    over_limit: str | UnsetType = UNSET
    #: Of the optional rules (stagewise/options/rules.py) the fields that change, by name.
    captcha: dict[str, Any] | UnsetType = UNSET
    holding: dict[str, Any] | UnsetType = UNSET
    form: dict[str, Any] | UnsetType = UNSET


def add_endpoint(workspace: Workspace, name: str, actor: str = "") -> Endpoint:
    """Add an endpoint that refuses everybody until its rules are set; one of this name is returned unchanged."""
    try:
        name = names.clean(name)
    except ValueError as error:
        raise ActionError({"name": [str(error)]}) from None
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        there = Endpoint.objects.filter(workspace=workspace, name=name).first()
        if there is not None:
            return there
        endpoint = Endpoint.objects.create(
            workspace=workspace, name=name, max_leads_per_ip=FIRST_LIMIT, version=new_version()
        )
        _add_key(endpoint, now_ms())
        audit.record(workspace, actor, "endpoint.added", name, subject_id=endpoint.pk)
    return endpoint


def save_rules(
    endpoint: Endpoint,
    changes: RuleChanges,
    actor: str = "",
    address: str = "",
    expected_version: int | None = None,
) -> Endpoint:
    """Check and save; all or nothing.

    Raises :class:`ActionError` that names each bad entry with the reason and a proposal, and :class:`Conflict` when
    the endpoint is no longer in the version that the person saw. ``address`` is the person's, for the audit entry.
    """
    values, documents = _checked(changes, endpoint)
    return _save(endpoint, lambda there: {**values, **_with(there, documents)}, actor, address, expected_version)


def with_changes(endpoint: Endpoint, changes: RuleChanges) -> Endpoint:
    """The endpoint as :func:`save_rules` would leave it; nothing is saved. Raises :class:`ActionError` as that does."""
    values, documents = _checked(changes, endpoint)
    changed = copy.copy(endpoint)
    for field, value in {**values, **_with(endpoint, documents)}.items():
        setattr(changed, field, value)
    return changed


def allow_entry(endpoint: Endpoint, field: EntryField, entry: str, actor: str = "", address: str = "") -> Endpoint:
    """Add one entry to a list, whatever else was saved meanwhile; an entry that is there changes nothing."""
    checked = entries.check_ips([entry]) if field == "allowed_ips" else entries.check_origins([entry])
    if checked.problems or not checked.values:
        raise ActionError({field: checked.problems or ["There is nothing to allow."]})

    def added(there: Endpoint) -> dict[str, Any]:
        both = list(dict.fromkeys([*getattr(there, field), *checked.values]))
        if len(both) > entries.MOST_ENTRIES:
            raise ActionError({field: [f"At most {entries.MOST_ENTRIES:,} entries fit."]})
        return {field: both}

    return _save(endpoint, added, actor, address)


def remove_entry(endpoint: Endpoint, field: EntryField, entry: str, actor: str = "", address: str = "") -> Endpoint:
    """Take one entry, as it is kept, off a list; one that is not there changes nothing."""
    return _save(
        endpoint, lambda there: {field: [each for each in getattr(there, field) if each != entry]}, actor, address
    )


def rotate_key(endpoint: Endpoint, overlap_hours: float = 24, actor: str = "") -> str:
    """Make a new key and return it. All older ones retire after ``overlap_hours`` at the latest, 0: now."""
    if not (math.isfinite(overlap_hours) and 0 <= overlap_hours <= LONGEST_OVERLAP_HOURS):
        raise ActionError({"overlap_hours": [f"Choose between 0 and {LONGEST_OVERLAP_HOURS} hours."]})
    with transaction.atomic():
        endpoint = Endpoint.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=endpoint.pk)
        now = now_ms()
        until = now + round(overlap_hours * _HOUR_MS)
        older = EndpointKey.objects.filter(endpoint=endpoint)
        older.filter(retires_at=None).update(retires_at=until)
        older.filter(retires_at__gt=until).update(retires_at=until)
        key = _add_key(endpoint, now)
        changes: audit.Changes = {"overlap_hours": [None, overlap_hours]}
        audit.record(endpoint.workspace, actor, "endpoint.key_rotated", endpoint.name, changes, subject_id=endpoint.pk)
    return key


def _save(
    endpoint: Endpoint,
    values_for: Callable[[Endpoint], dict[str, Any]],
    actor: str,
    address: str,
    expected_version: int | None = None,
) -> Endpoint:
    """Write checked values in one short transaction: while it runs no lead can be stored on SQLite."""
    with transaction.atomic():
        there = Endpoint.objects.select_for_update(of=("self",)).select_related("workspace").get(pk=endpoint.pk)
        if expected_version is not None and expected_version != there.version:
            raise Conflict({"": ["Somebody saved other settings in the meantime. Nothing of yours was saved yet."]})
        values = values_for(there)
        if "name" in values and _name_taken(there, values["name"]):
            raise ActionError({"name": [f"There is an endpoint “{values['name']}” already."]})
        differing: audit.Changes = {
            field: [getattr(there, field), value] for field, value in values.items() if getattr(there, field) != value
        }
        if differing:
            for field, (_old, new) in differing.items():
                setattr(there, field, new)
            there.version = new_version()
            there.save(update_fields=[*differing, "version"])
            audit.record(there.workspace, actor, "endpoint.saved", there.name, _for_audit(differing), address, there.pk)
    return there


def _with(there: Endpoint, documents: dict[optional.Document, dict[str, Any]]) -> dict[str, Any]:
    """The optional rules as they would be kept, and whether they are whole."""
    found: dict[str, Any] = {}
    for name, changes in documents.items():
        found[name] = optional.merged(name, getattr(there, name), changes)
    if "captcha" in found and (problems := optional.missing_keys(found["captcha"])):
        raise ActionError(problems)
    return found


def _for_audit(differing: audit.Changes) -> audit.Changes:
    plain = {field: pair for field, pair in differing.items() if field not in optional.RULES}
    for name in optional.RULES:
        if name in differing:
            plain |= optional.for_audit(name, *differing[name])
    return plain


def _checked(
    changes: RuleChanges, endpoint: Endpoint
) -> tuple[dict[str, Any], dict[optional.Document, dict[str, Any]]]:
    """The values of the columns, and of the optional rules what changes of them."""
    values: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    if changes.name is not UNSET:
        try:
            values["name"] = names.clean(changes.name)
        except ValueError as error:
            problems["name"] = [str(error)]
    if changes.enabled is not UNSET:
        values["enabled"] = changes.enabled
    if changes.allow_all_ips is not UNSET:
        values["allow_all_ips"] = changes.allow_all_ips
    if changes.allowed_ips is not UNSET:
        checked = entries.check_ips(changes.allowed_ips)
        values["allowed_ips"], problems["allowed_ips"] = checked.values, checked.problems
    if changes.ip_notes is not UNSET:
        values["ip_notes"] = entries.kept_notes(changes.ip_notes)
    if changes.allowed_origins is not UNSET:
        checked = entries.check_origins(changes.allowed_origins)
        values["allowed_origins"], problems["allowed_origins"] = checked.values, checked.problems
    if changes.max_leads_per_ip is not UNSET:
        values["max_leads_per_ip"] = changes.max_leads_per_ip
        problems["max_leads_per_ip"] = _limit_problems(changes.max_leads_per_ip)
    problems |= _check_forwarding(changes, values)
    documents: dict[optional.Document, dict[str, Any]] = {}
    for name in optional.RULES:
        typed = getattr(changes, name)
        if typed is not UNSET:
            documents[name], found = optional.check(name, typed)
            problems |= found
    problems = {field: texts for field, texts in problems.items() if texts}
    if problems:
        raise ActionError(problems | _missing_keys(endpoint, documents))
    return values, documents


def _missing_keys(endpoint: Endpoint, documents: dict[optional.Document, dict[str, Any]]) -> dict[str, list[str]]:
    """What a CAPTCHA would lack too, so that a person is told of all mistakes at once."""
    if "captcha" not in documents:
        return {}
    saved = Endpoint.objects.values_list("captcha", flat=True).get(pk=endpoint.pk)
    return optional.missing_keys(optional.merged("captcha", saved, documents["captcha"]))


def _check_forwarding(changes: RuleChanges, values: dict[str, Any]) -> dict[str, list[str]]:
    """Add what is to be saved to ``values``; returns the problems."""
    problems: dict[str, list[str]] = {}
    if changes.forwarding is not UNSET:
        values["forwarding"] = changes.forwarding
    if changes.server_ceiling is not UNSET:
        values["server_ceiling"] = changes.server_ceiling
        problems["server_ceiling"] = optional.ceiling_problems(changes.server_ceiling)
    if changes.over_limit is not UNSET:
        values["over_limit"] = changes.over_limit
        if changes.over_limit not in OVER_LIMIT:
            problems["over_limit"] = [f"Choose {' or '.join(OVER_LIMIT)}."]
    return problems


def _limit_problems(limit: int | None) -> list[str]:
    if limit is None or SMALLEST <= limit <= LARGEST:
        return []
    if limit == 0:
        return ["0 would refuse everybody. Leave it empty for no limit, or switch the endpoint off."]
    return [f"Choose a number from {SMALLEST} to {LARGEST:,}, or leave it empty for no limit."]


def _name_taken(endpoint: Endpoint, name: str) -> bool:
    others = Endpoint.objects.filter(workspace_id=endpoint.workspace_id, name=name)
    return others.exclude(pk=endpoint.pk).exists()


def _add_key(endpoint: Endpoint, now: int) -> str:
    key = secrets.token_urlsafe(24)
    EndpointKey.objects.create(workspace_id=endpoint.workspace_id, endpoint=endpoint, key=key, created_at=now)
    return key
