"""``stagewise workspace``: several worlds in one installation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stagewise.cli.base import Refused, open_installation, show, with_json

if TYPE_CHECKING:
    from stagewise.accounts.models import User, Workspace


@click.group()
def workspace() -> None:
    """Workspaces: worlds of their own, with leads, people and settings."""


@workspace.command("list")
@with_json
def workspace_list(as_json: bool) -> None:
    """All workspaces, the oldest first."""
    open_installation()
    from stagewise.accounts.models import Workspace

    show([_as_dict(each) for each in Workspace.objects.order_by("id")], as_json)


@workspace.command("add")
@click.argument("name")
@click.option("--slug", default="", help="Its part of the console's URLs; made from the name unless given.")
@click.option("--owner", metavar="EMAIL", help="Who owns it: somebody who has an account.")
@click.option("--time-zone", default="", help="IANA name such as Europe/Berlin; UTC unless given.")
@with_json
def workspace_add(name: str, slug: str, owner: str | None, time_zone: str, as_json: bool) -> None:
    """Make a workspace with the usual lead types, and one endpoint that refuses everybody until it is set.

    Without --owner a one-time link is printed, by which its first owner makes an account.
    """
    open_installation()
    from django.urls import reverse

    from stagewise.accounts import actions
    from stagewise.site import provision
    from stagewise.site.settings import CONSOLE_URL

    user = None if owner is None else _find(owner)
    made = provision.new_workspace(name, user, slug=slug, time_zone=time_zone)
    link = None if user else CONSOLE_URL + reverse("setup", args=[actions.make_setup_link(made)])
    show({**_as_dict(made), "setup_url": link}, as_json)


def _find(email: str) -> User:
    from stagewise.accounts.models import User

    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise Refused(f"nobody has an account with the address {email}: leave --owner out, or add them first")
    return user


def _as_dict(found: Workspace) -> dict[str, Any]:
    members = found.members.filter(deactivated_at=None).count()
    return {"slug": found.slug, "name": found.name, "time_zone": found.time_zone, "members": members}
