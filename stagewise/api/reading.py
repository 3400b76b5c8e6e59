"""From what a program asks for, by names and times, to what the apps understand."""

from __future__ import annotations

import datetime
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from stagewise.accounts.models import Member
from stagewise.api.problems import Refused, Wrong
from stagewise.core.lead_types import key
from stagewise.endpoints.models import Endpoint
from stagewise.leads import finding, queries
from stagewise.leads.models import Tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest
    from ninja import Schema

    from stagewise.accounts.models import Workspace
    from stagewise.api.auth import Caller
    from stagewise.api.schemas import LeadQuery
    from stagewise.leads.models import Lead, LeadType

#: A time of RFC 3339, or a date alone.
_TIME: Final = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2}))?", re.ASCII
)
_BY_HAND: Final = "-"
_DAY_OR_TIME: Final = "Send a time such as 2026-01-01T12:00:00Z, or a date such as 2026-01-01."


def only_known(request: HttpRequest, schema: type[Schema]) -> None:
    """Refuse parameters that do not exist: a filter with a slip of the pen must not give everything."""
    unknown = [name for name in request.GET if name not in schema.model_fields]
    if unknown:
        said = f"There is no such parameter; there are {', '.join(schema.model_fields)}."
        raise Refused("invalid_parameters", errors=[Wrong(name[:100], "unknown", said) for name in unknown[:20]])


def filters_of(caller: Caller, query: LeadQuery) -> finding.Filters:
    """The filters of a call; raises :class:`Refused` for names that nothing has."""
    types = queries.lead_types(caller.workspace)
    lead_type = _named(types, query.lead_type, "lead_type", "lead type") if query.lead_type else None
    since, until = (_moment(getattr(query, name), name) for name in ("created_since", "created_until"))
    return finding.Filters(
        search=query.search.strip(),
        stages=_stages([lead_type] if lead_type else types, query.stage),
        lead_type=lead_type.pk if lead_type else None,
        kind=query.stage_kind or "",
        owner=_owner(caller, query.owner),
        endpoint=_endpoint(caller.workspace, query.endpoint),
        tags=tuple(_named(_tags(caller.workspace), name, "tag", "tag").pk for name in query.tag),
        test={None: "", True: "only", False: "hide"}[query.test],
        sort=query.sort,
        me=caller.member.pk,
        from_ms=since,
        until_ms=until,
    )


def cursor_of(query: LeadQuery) -> finding.Cursor | None:
    """The place to go on from; raises :class:`Refused` for a text that is none."""
    if not query.cursor:
        return None
    found = finding.read(query.cursor, query.sort)
    if found is None:
        raise Refused("invalid_parameters", errors=[Wrong("cursor", "invalid", "This is no cursor of such a list.")])
    return found


def member_named(workspace: Workspace, email: str) -> Member | None:
    """The active member with this e-mail address, in any case."""
    people = Member.objects.select_related("user").filter(
        workspace=workspace, deactivated_at=None, user__is_active=True
    )
    return next((member for member in people if member.user.email == email.strip().lower()), None)


def as_dict(lead: Lead) -> dict[str, Any]:
    """A lead as the API shows it: what webhooks and the command line show, and what work needs beside it."""
    return {
        "forwarded_by": None,
        "attribution": {},
        **queries.as_dict(lead),
        "changed_at": None if lead.changed_at is None else queries.iso(lead.changed_at),
        "stage_kind": lead.stage.kind,
        "reason": lead.closed_reason,
    }


def etag_of(shown: dict[str, Any]) -> str:
    """A strong validator of an object (RFC 9110, 8.8.3): another one for any other content."""
    packed = json.dumps(shown, sort_keys=True, ensure_ascii=False).encode("utf-8", "replace")
    return f'"{hashlib.blake2b(packed, digest_size=16).hexdigest()}"'


def _owner(caller: Caller, owner: str) -> str:
    if owner in {"", "me", "nobody", "anybody"}:
        return owner
    # Somebody who is gone may still have leads.
    people = Member.objects.select_related("user").filter(workspace=caller.workspace)
    found = next((member for member in people if member.user.email == owner.strip().lower()), None)
    if found is None:
        raise _unknown("owner", "No member has this e-mail address; there are also me, nobody and anybody.")
    return str(found.pk)


def _endpoint(workspace: Workspace, name: str) -> int | None:
    if name in {"", _BY_HAND}:
        return 0 if name else None
    return int(_named(Endpoint.objects.filter(workspace=workspace), name, "endpoint", "endpoint").pk)


def _tags(workspace: Workspace) -> Iterable[Tag]:
    return Tag.objects.filter(workspace=workspace)


def _stages(types: Iterable[LeadType], names: list[str]) -> tuple[int, ...]:
    """The ids of all stages of these names: "New" is one in each lead type."""
    every = [stage for lead_type in types for stage in lead_type.stages.all()]
    found: list[int] = []
    for name in names:
        same = [stage.pk for stage in every if key(stage.name) == key(name)]
        if not same:
            raise _unknown("stage", "No stage has this name.")
        found += same
    return tuple(dict.fromkeys(found))


def _named(things: Iterable[Any], name: str, field: str, word: str) -> Any:
    """The first of these things with this name, compared as everywhere: trimmed and in any case."""
    found = next((each for each in things if key(each.name) == key(name)), None)
    if found is None:
        raise _unknown(field, f"No {word} has this name.")
    return found


def _moment(text: str, field: str) -> int | None:
    """Milliseconds since 1970 of a time or a date; None where none is given."""
    if not text:
        return None
    # A plus that nobody encoded came as a space.
    text = re.sub(r" (\d{2}:\d{2})$", r"+\1", text)
    try:
        found = datetime.datetime.fromisoformat(text.upper()) if _TIME.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise _unknown(field, _DAY_OR_TIME, "invalid")
    if found.tzinfo is None:
        found = found.replace(tzinfo=datetime.UTC)
    # Exact: a float of so many seconds has no milliseconds to spare.
    return (found - datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)) // datetime.timedelta(milliseconds=1)


def moment_seen(text: str) -> int | None:
    """``changed_at`` as an answer held it, in milliseconds; None where it is no such time."""
    try:
        return _moment(text, "changed_at")
    except Refused:
        return None


def _unknown(field: str, said: str, code: str = "unknown") -> Refused:
    return Refused("invalid_parameters", errors=[Wrong(field, code, said)])
