"""``stagewise user``, ``lead-type`` and ``endpoint``: what people do in the console, for scripts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint

# Users


@click.group()
def user() -> None:
    """People who can log in."""


@user.command("add")
@click.argument("email")
@click.option("--role", required=True, help="owner, admin, agent or viewer")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input (else you are asked).")
@with_workspace
@with_json
def user_add(email: str, role: str, password_stdin: bool, workspace: str | None, as_json: bool) -> None:
    """Add a member whose address counts as verified; repeated: set role and password.

    The one-time link of the workspace stops working.
    """
    open_installation()
    from stagewise.accounts.actions import add_user

    where = choose_workspace(workspace)
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    added = add_user(where, email, role, password)
    show({"email": added.email, "role": role, "workspace": where.slug}, as_json)


def _ask_password() -> str:
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))


# Lead types


@click.group("lead-type")
def lead_type() -> None:
    """Kinds of leads; the first is the default."""


@lead_type.command("list")
@with_workspace
@with_json
def lead_type_list(workspace: str | None, as_json: bool) -> None:
    """All lead types in their order, archived ones last."""
    open_installation()
    from stagewise.leads import queries

    found = queries.lead_types(choose_workspace(workspace))
    show([queries.lead_type_as_dict(each) for each in found], as_json)


@lead_type.command("add")
@click.argument("name")
@with_workspace
@with_json
def lead_type_add(name: str, workspace: str | None, as_json: bool) -> None:
    """Add a lead type at the end, or take it out of the archive; one that is there stays as it is."""
    open_installation()
    from stagewise.leads import actions, queries

    show(queries.lead_type_as_dict(actions.add_lead_type(choose_workspace(workspace), name)), as_json)


@lead_type.command("archive")
@click.argument("name")
@with_workspace
@with_json
def lead_type_archive(name: str, workspace: str | None, as_json: bool) -> None:
    """Archive a lead type: its leads stay, new ones cannot name it. The next becomes the default."""
    open_installation()
    from stagewise.core.lead_types import key
    from stagewise.leads import actions, queries

    known = queries.lead_types(choose_workspace(workspace))
    wanted = [each for each in known if each.name_key == key(name)]
    if not wanted:
        names = ", ".join(each.name for each in known)
        raise Refused(f"there is no lead type {name!r}; there are {names}")
    actions.archive_lead_type(wanted[0])
    wanted[0].refresh_from_db()
    show(queries.lead_type_as_dict(wanted[0]), as_json)


# Endpoints


@click.group()
def endpoint() -> None:
    """Public API endpoints: who may call, and how often."""


_SWITCH = click.Choice(["on", "off"])


@endpoint.command("list")
@with_workspace
@with_json
def endpoint_list(workspace: str | None, as_json: bool) -> None:
    """All endpoints, the oldest first."""
    open_installation()
    from stagewise.endpoints import queries

    show([queries.as_dict(each) for each in queries.of_workspace(choose_workspace(workspace))], as_json)


@endpoint.command("add")
@click.argument("name")
@with_workspace
@with_json
def endpoint_add(name: str, workspace: str | None, as_json: bool) -> None:
    """Add an endpoint that refuses everybody until it is set; one that is there stays as it is."""
    open_installation()
    from stagewise.endpoints import actions, queries

    show(queries.as_dict(actions.add_endpoint(choose_workspace(workspace), name)), as_json)


@endpoint.command("set")
@click.argument("name")
@click.option("--enabled", type=_SWITCH)
@click.option("--allow-all-ips", type=_SWITCH)
@click.option("--allowed-ips", metavar="A,B", help="Addresses and CIDR blocks; '' empties the list.")
@click.option("--allowed-origins", metavar="A,B", help="Such as https://yoursite.com; '' empties the list.")
@click.option("--max-leads-per-ip", metavar="N|none", help="Leads per address in 24 hours.")
@with_workspace
@with_json
def endpoint_set(
    name: str,
    enabled: str | None,
    allow_all_ips: str | None,
    allowed_ips: str | None,
    allowed_origins: str | None,
    max_leads_per_ip: str | None,
    workspace: str | None,
    as_json: bool,
) -> None:
    """Change the rules of an endpoint, all of those given or none; they hold for the next request."""
    open_installation()
    from stagewise.endpoints import actions, queries

    changes = actions.RuleChanges()
    if enabled is not None:
        changes.enabled = enabled == "on"
    if allow_all_ips is not None:
        changes.allow_all_ips = allow_all_ips == "on"
    if allowed_ips is not None:
        changes.allowed_ips = _entries(allowed_ips)
    if allowed_origins is not None:
        changes.allowed_origins = _entries(allowed_origins)
    if max_leads_per_ip is not None:
        changes.max_leads_per_ip = _limit(max_leads_per_ip)
    found = _find_endpoint(workspace, name)
    show(queries.as_dict(actions.save_rules(found, changes)), as_json)


@endpoint.command("rotate-key")
@click.argument("name")
@click.option("--overlap", type=float, default=24, show_default=True, metavar="HOURS", help="The old key's rest.")
@with_workspace
@with_json
def endpoint_rotate_key(name: str, overlap: float, workspace: str | None, as_json: bool) -> None:
    """Make a new key; the old one goes on working for the overlap."""
    open_installation()
    from stagewise.endpoints import actions, queries

    found = _find_endpoint(workspace, name)
    actions.rotate_key(found, overlap)
    show(queries.as_dict(found), as_json)


def _find_endpoint(workspace: str | None, name: str) -> Endpoint:
    from stagewise.endpoints import queries

    known = queries.of_workspace(choose_workspace(workspace))
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in known)
    raise Refused(f"there is no endpoint {name!r}; there is {names or 'none yet'}")


def _entries(text: str) -> list[str]:
    return [entry.strip() for entry in text.split(",") if entry.strip()]


def _limit(text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise Refused(f"--max-leads-per-ip takes a number or `none`, not {text!r}") from None
