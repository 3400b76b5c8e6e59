"""What stands in a new workspace, and in a new database, so that the first lead can be posted at once."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from stagewise.accounts import audit, workspaces
from stagewise.accounts.actions import create_workspace, make_setup_link
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role, User, Workspace
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


def new_workspace(
    name: str, owner: User | None = None, *, slug: str = "", time_zone: str = "", address: str = ""
) -> Workspace:
    """Make a workspace with the usual lead types, and one endpoint that refuses everybody until it is set.

    ``slug`` is its part of the console's URLs, made from the name where it is left out; ``owner`` owns it (None: nobody
    does yet, see :func:`stagewise.accounts.actions.make_setup_link`), and ``address`` is theirs, for the audit entry.
    Whether they may is the caller's to ask. Raises :class:`ActionError`.
    """
    if time_zone and time_zone not in zoneinfo.available_timezones():
        raise ActionError({"time_zone": [_("There is no such time zone; they look like Europe/Berlin.")]})
    try:
        with transaction.atomic():
            workspace = create_workspace(name, slug or workspaces.free_slug(name))
            if time_zone:
                workspace.time_zone = time_zone
                workspace.save(update_fields=["time_zone"])
            _furnish(workspace)
            if owner is not None:
                member = Member.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
                changes: audit.Changes = {"role": [None, member.role]}
                audit.record(workspace, owner.email, "member.joined", owner.email, changes, address, member.pk)
    except IntegrityError:
        raise ActionError({"": [_("Somebody made one of this name at the same moment. Try again.")]}) from None
    return workspace


def _make() -> Workspace:
    workspace = create_workspace(*WORKSPACE)
    endpoint = _furnish(workspace)
    save_rules(endpoint, RuleChanges(allow_all_ips=False, allowed_ips=LOOPBACK, max_leads_per_ip=LIMIT))
    return workspace


def _furnish(workspace: Workspace) -> Endpoint:
    for name in LEAD_TYPES:
        add_lead_type(workspace, name)
    return add_endpoint(workspace, ENDPOINT)
