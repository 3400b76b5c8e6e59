"""What stands in a new database, so that the first lead can be posted at once."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from stagewise.accounts.actions import create_workspace, make_setup_link
from stagewise.accounts.models import Member, Workspace
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.leads.actions import add_lead_type
from stagewise.site import migrate

WORKSPACE = ("My workspace", "main")
LEAD_TYPES = ("General", "Sales", "Support")
ENDPOINT = "My website"

#: The first endpoint answers this machine alone, so that trying it out opens nothing to the world.
LOOPBACK = ["127.0.0.1", "::1"]
LIMIT = 10


@dataclass(frozen=True)
class FirstRun:
    """What :func:`first_run` found or made; ``setup_token`` where nobody can log in yet."""

    created: bool
    workspace: Workspace
    endpoint: Endpoint | None
    setup_token: str | None


def first_run(*, renew_link: bool = False) -> FirstRun:
    """Make workspace, lead types and endpoint where there is no workspace: all of it or, if we are killed, nothing.

    The one-time link is made with them; with ``renew_link`` also later, for as long as the first workspace has no
    member (links made before stop working).
    """
    with migrate.alone(), transaction.atomic():
        workspace = Workspace.objects.order_by("id").first()
        created = workspace is None
        if workspace is None:
            workspace = _make()
        token = None
        if created or (renew_link and not Member.objects.filter(workspace=workspace).exists()):
            token = make_setup_link(workspace)
        endpoint = Endpoint.objects.filter(workspace=workspace).order_by("id").first()
    return FirstRun(created, workspace, endpoint, token)


def _make() -> Workspace:
    workspace = create_workspace(*WORKSPACE)
    for name in LEAD_TYPES:
        add_lead_type(workspace, name)
    endpoint = add_endpoint(workspace, ENDPOINT)
    save_rules(endpoint, RuleChanges(allow_all_ips=False, allowed_ips=LOOPBACK, max_leads_per_ip=LIMIT))
    return workspace
