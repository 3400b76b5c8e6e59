"""Who may call, by the endpoint's rules: pure decisions, the same for ledger, console and command line.

The order of the checks is part of the contract: nobody learns from an error what the rules in front would have hidden.
"""

from __future__ import annotations

import msgspec

from stagewise.core.addresses import AddressSet, Caller
from stagewise.core.lead_types import key as type_key
from stagewise.core.submission import Submission


class LeadTypeRule(msgspec.Struct, frozen=True):
    """An active lead type: where a lead of this type begins."""

    id: int
    name: str
    first_stage_id: int


class LeadTypes(msgspec.Struct, frozen=True):
    """The active lead types of a workspace, in order; the first is the default."""

    version: int
    first: LeadTypeRule | None
    by_key: dict[str, LeadTypeRule]

    def choose(self, name: str | None) -> LeadTypeRule | None:
        """The type for a normalised ``lead_type_name``; absent means the first; None: there is no such type."""
        return self.first if name is None else self.by_key.get(type_key(name))


class Rules(msgspec.Struct, frozen=True):
    """An endpoint's configuration, compiled. ``version`` changes with every save."""

    endpoint_id: int
    workspace_id: int
    version: int
    enabled: bool
    allow_all_ips: bool
    addresses: AddressSet
    origins: frozenset[str]
    limit: int | None


def is_listed(rules: Rules, caller: Caller) -> bool:
    """Whether the caller's address is on the IP list, and certain; or the installation itself is calling."""
    known = not caller.untrusted_proxy and caller.address is not None and caller.address in rules.addresses
    return known or caller.vouched


def refusal_of_caller(rules: Rules, caller: Caller, origin: str | None) -> str | None:
    """The code of the first rule that this caller breaks, or None.

    ``origin`` is the ``Origin`` header as sent, None when there was none. It must equal an entry byte for byte
    (RFC 6454, section 7: user agents send the ASCII serialisation).
    """
    if caller.address is None:
        return "ip_not_allowed"
    if rules.allow_all_ips and not rules.origins:
        return None
    listed = is_listed(rules, caller)
    if not (listed or rules.allow_all_ips):
        return "ip_not_allowed"
    if rules.origins:
        if origin is not None:
            if origin not in rules.origins:
                return "origin_not_allowed"
        elif not listed:
            return "origin_required"
    return None


def refusal_of_preflight(rules: Rules, origin: str | None) -> str | None:
    """The same for a preflight (Fetch standard, CORS protocol): only the origins count, as browsers send it."""
    if rules.origins and origin is not None and origin not in rules.origins:
        return "origin_not_allowed"
    return None


def allow_origin(rules: Rules, origin: str | None) -> str | None:
    """The value of ``Access-Control-Allow-Origin``: ``*``, the origin itself, or None for an origin not allowed."""
    if not rules.origins:
        return "*"
    return origin if origin in rules.origins else None


def refusal_before_content(
    rules: Rules | None, *, retired: bool, submission: Submission, page_open: bool = False
) -> str | None:
    """Method, key, address and origin, in this order; ``rules`` is None for an unknown key.

    ``page_open``: what is posted from the endpoint's own page on our host may come from any address.
    """
    if submission.early_error is not None:
        return submission.early_error
    if rules is None:
        return "not_found"
    if retired or not rules.enabled:
        return "endpoint_disabled"
    if submission.preflight:
        return refusal_of_preflight(rules, submission.origin)
    if submission.hosted and page_open and submission.caller.address is not None:
        return None
    return refusal_of_caller(rules, submission.caller, submission.origin)
