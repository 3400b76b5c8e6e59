"""Whose lead it is when a server sends it in a visitor's name.

All leads of a website that calls from its server come from one address, so a limit per address would stop the whole
website. A server on the IP list of an endpoint with forwarding may therefore name the visitor: the limit counts the
visitor, and the server has a ceiling of its own.
"""

from __future__ import annotations

import msgspec

from stagewise.core import policy
from stagewise.core.policy import Rules
from stagewise.core.submission import Submission

HEADER = "Stagewise-Visitor-IP"


class Source(msgspec.Struct, frozen=True):
    """The address that counts, and the server that named it, if one did."""

    address: str
    forwarded_by: str | None = None
    #: A note for the journal.
    note: str = ""


def source_of(rules: Rules, submission: Submission, *, forwarding: bool) -> Source | None:
    """Who counts; None when a server that may name the visitor did so unreadably."""
    own = submission.caller.address or ""
    if submission.visitor is None:
        return Source(own)
    if not (forwarding and policy.is_listed(rules, submission.caller)):
        return Source(own, note="visitor_ip_ignored")
    return Source(submission.visitor, own) if submission.visitor else None


def ceiling_bucket(server: str) -> str:
    """Under which the hits of a forwarding server are kept, beside those of its visitors."""
    return f"via {server}"
