"""The cast of the Django apps' tests: a workspace with everybody in it, and one next door.

Olga owns Acme, Adam runs its settings, Agnes works its leads, Vera only looks. Stan owns the workspace next door and
must see nothing of Acme. Nora has an account and no workspace.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from stagewise.accounts import actions as accounts
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Invitation, User, Workspace
from stagewise.core.ids import request_id, uuid7
from stagewise.endpoints.actions import add_endpoint
from stagewise.endpoints.models import Attempt, AttemptSummary, Endpoint
from stagewise.leads.actions import add_lead_type
from stagewise.leads.models import HeldLead, Lead, LeadType
from stagewise.notify.models import Alert, Channel, Delivery
from tests.support.remembered import remembered

PASSWORD = "correct horse battery staple"

_numbers = itertools.count(1)


@dataclass
class Place:
    """A workspace with one endpoint, three lead types, a lead, and a held one."""

    workspace: Workspace
    endpoint: Endpoint
    types: list[LeadType]
    lead: Lead
    held: HeldLead


@dataclass
class Cast:
    """Everybody, and where they are."""

    acme: Place
    next_door: Place
    olga: User
    adam: User
    agnes: User
    vera: User
    stan: User
    nora: User


def assemble() -> Cast:
    """Make both places and all people; they have the password ``PASSWORD``."""
    return remembered(_assemble)


def _assemble() -> Cast:
    acme, next_door = place("Acme Studio", "acme"), place("Next door", "next-door")
    people = {
        name: accounts.add_user(acme.workspace, f"{name}@example.com", role, PASSWORD)
        for name, role in (("olga", "owner"), ("adam", "admin"), ("agnes", "agent"), ("vera", "viewer"))
    }
    stan = accounts.add_user(next_door.workspace, "stan@example.com", "owner", PASSWORD)
    nora = accounts.add_user(next_door.workspace, "nora@example.com", "viewer", PASSWORD)
    nora.memberships.all().delete()
    return Cast(acme=acme, next_door=next_door, stan=stan, nora=nora, **people)


def place(name: str, slug: str) -> Place:
    """A workspace as a first start makes it, with a lead."""
    workspace = accounts.create_workspace(name, slug)
    types = [add_lead_type(workspace, each) for each in ("General", "Sales", "Support")]
    endpoint = add_endpoint(workspace, "My website")
    made = Place(workspace, endpoint, types, Lead(), HeldLead())
    made.lead = lead(made)
    made.held = held(made)
    return made


def lead(there: Place, **fields: Any) -> Lead:
    """A lead as the lane leaves it; ``fields`` replace some."""
    at = now_ms()
    lead_type = fields.pop("lead_type", there.types[0])
    return Lead.objects.create(
        **{
            "workspace": there.workspace,
            "public_id": uuid7(at),
            "endpoint": there.endpoint,
            "lead_type": lead_type,
            "stage": lead_type.stages.get(position=0),
            "name": "Grace Hopper",
            "phone": "+1 202 555 0123",
            "phone_e164": "+12025550123",
            "email": "grace@example.com",
            "message": "Please call me back.",
            "created_at": at,
            "address": "203.0.113.7",
            "user_agent": "curl/8",
            "request_id": request_id(),
            **fields,
        }
    )


def held(there: Place, **fields: Any) -> HeldLead:
    """A held lead as the lane leaves it; ``fields`` replace some."""
    at = now_ms()
    return HeldLead.objects.create(
        **{
            "workspace": there.workspace,
            "public_id": uuid7(at),
            "endpoint": there.endpoint,
            "lead_type": there.types[0],
            "name": "Spammy Sam",
            "phone": "+1 202 555 0199",
            "phone_e164": "+12025550199",
            "email": "sam@spam.example",
            "message": "Buy now",
            "at": at,
            "address": "203.0.113.66",
            "user_agent": "bot/1",
            "request_id": request_id(),
            "reasons": "honeypot",
            **fields,
        }
    )


def attempt(there: Place, outcome: str, status: int, **fields: Any) -> Attempt:
    """A row of the journal as the lane writes it."""
    return Attempt.objects.create(
        **{
            "workspace_id": there.workspace.pk,
            "endpoint_id": there.endpoint.pk,
            "at": now_ms(),
            "outcome": outcome,
            "status": status,
            "address": "203.0.113.9",
            "address_from": "peer",
            "user_agent": "curl/8",
            "request_id": request_id(),
            **fields,
        }
    )


def summary(there: Place, outcome: str, status: int, **fields: Any) -> AttemptSummary:
    """What goes on after an hour's details are full."""
    at = now_ms()
    return AttemptSummary.objects.create(
        **{
            "workspace_id": there.workspace.pk,
            "endpoint_id": there.endpoint.pk,
            "hour": at - at % 3_600_000,
            "outcome": outcome,
            "status": status,
            "address": f"198.51.100.{next(_numbers) % 250}",
            "origin": "",
            "count": 12345,
            "last_at": at,
            **fields,
        }
    )


def channel(there: Place, name: str = "Sales team", **fields: Any) -> Channel:
    """A channel that wants new leads; ``fields`` replace some."""
    values = {"kind": "email", "target": "sales@example.com", "events": ["lead.created"], "created_at": now_ms()}
    return Channel.objects.create(workspace=there.workspace, name=name, **{**values, **fields})


def delivery(to: Channel, **fields: Any) -> Delivery:
    """A delivery that was just made; ``fields`` replace some."""
    at = now_ms()
    values = {"event_id": next(_numbers), "public_id": uuid7(at), "kind": "lead.created", "at": at, "next_at": at}
    return Delivery.objects.create(workspace_id=to.workspace_id, channel=to, **{**values, **fields})


def invitation(there: Place, email: str = "ines@example.com", **fields: Any) -> Invitation:
    """An invitation that Olga sent just now, whose token nobody knows; ``fields`` replace some."""
    at = now_ms()
    values = {"role": "agent", "token_hash": f"{next(_numbers):064d}", "invited_by": "olga@example.com"}
    times = {"created_at": at, "expires_at": at + 7 * 86_400_000}
    return Invitation.objects.create(workspace=there.workspace, email=email, **{**values, **times, **fields})


def alert(there: Place, kind: str = "no_leads", **fields: Any) -> Alert:
    """An open alert about the endpoint; ``fields`` replace some."""
    at = now_ms()
    values = {
        "endpoint": there.endpoint,
        "subject": str(there.endpoint.pk),
        "data": {"rule": "hours", "last_lead_at": at - 9 * 86_400_000, "hours": 168},
        "raised_at": at,
    }
    return Alert.objects.create(workspace=there.workspace, kind=kind, **{**values, **fields})
