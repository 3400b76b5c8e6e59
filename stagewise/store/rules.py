"""The compiled form of rules and lead types, kept under the random version that was read with them.

Every transaction reads the versions; only a version that was not seen before costs a compilation (10,000 address
blocks take tens of milliseconds). There is nothing to invalidate: a saved change has a new version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from stagewise.core.addresses import AddressSet
from stagewise.core.policy import LeadTypeRule, LeadTypes, Rules
from stagewise.options.compiled import Options, compile_options
from stagewise.store.view import Entry


class KeyRow(msgspec.Struct, frozen=True):
    """What every transaction reads for a key."""

    key: str
    retires_at: int | None
    endpoint_id: int
    workspace_id: int
    version: int
    types_version: int


class EndpointRow(msgspec.Struct, frozen=True):
    """What is read only when the version is new."""

    enabled: bool
    allow_all_ips: bool
    allowed_ips: Sequence[str]
    allowed_origins: Sequence[str]
    max_leads_per_ip: int | None
    name: str
    forwarding: bool
    server_ceiling: int | None
    over_limit: str
    #: The documents captcha, holding and form, decoded.
    documents: tuple[object, object, object]


#: (lead type id, name, a key that it is called by, id of its first stage): by their own names in order, then by aliases
TypeRow = tuple[int, str, str, int]


class Compiled:
    """Compiled rules and types by id; shared by the lanes of one process."""

    def __init__(self) -> None:
        self._rules: dict[int, tuple[Rules, Options]] = {}
        self._types: dict[int, LeadTypes] = {}
        #: What each key meant when it was last read: a hint for choosing a lane, never for a decision.
        self.last: dict[str, Entry] = {}

    def entries(
        self,
        rows: Iterable[KeyRow],
        read_endpoint: Callable[[int], EndpointRow],
        read_types: Callable[[int], Sequence[TypeRow]],
    ) -> dict[str, Entry]:
        """The entries of these keys; reads (in the caller's transaction) only what has a new version."""
        found = {}
        for row in rows:
            compiled = self._rules.get(row.endpoint_id)
            if compiled is None or compiled[0].version != row.version:
                compiled = self._rules[row.endpoint_id] = _compile(row, read_endpoint(row.endpoint_id))
            rules, options = compiled
            types = self._types.get(row.workspace_id)
            if types is None or types.version != row.types_version:
                types = _types(row.types_version, read_types(row.workspace_id))
                self._types[row.workspace_id] = types
            last = self.last.get(row.key)
            if last is None or last.rules is not rules or last.types is not types or last.retires_at != row.retires_at:
                last = self.last[row.key] = Entry(rules, types, row.retires_at, options)
            found[row.key] = last
        return found


def _compile(row: KeyRow, endpoint: EndpointRow) -> tuple[Rules, Options]:
    rules = Rules(
        endpoint_id=row.endpoint_id,
        workspace_id=row.workspace_id,
        version=row.version,
        enabled=endpoint.enabled,
        allow_all_ips=endpoint.allow_all_ips,
        addresses=AddressSet(endpoint.allowed_ips),
        origins=frozenset(endpoint.allowed_origins),
        limit=endpoint.max_leads_per_ip,
    )
    options = compile_options(
        endpoint.name,
        forwarding=endpoint.forwarding,
        server_ceiling=endpoint.server_ceiling,
        over_limit=endpoint.over_limit,
        documents=endpoint.documents,
    )
    return rules, options


def _types(version: int, rows: Sequence[TypeRow]) -> LeadTypes:
    rules = [LeadTypeRule(id_, name, stage) for id_, name, _key, stage in rows]
    by_key: dict[str, LeadTypeRule] = {}
    for rule, (_id, _name, key, _stage) in zip(rules, rows, strict=True):
        by_key.setdefault(key, rule)  # a type's own name goes before another's alias
    return LeadTypes(version, rules[0] if rules else None, by_key)
