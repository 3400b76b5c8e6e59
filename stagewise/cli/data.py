"""``stagewise user`` and ``lead-type``: what people do in the console, for scripts."""

from __future__ import annotations

import sys

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace

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


@user.command("reset-factors")
@click.argument("email")
@with_json
def user_reset_factors(email: str, as_json: bool) -> None:
    """Take authenticator app, passkeys and recovery codes from somebody who lost them; the password stays."""
    open_installation()
    from stagewise.accounts import second_factors
    from stagewise.accounts.models import User

    found = User.objects.filter(email=email.strip().lower()).first()
    if found is None:
        raise Refused(f"nobody has an account with the address {email}")
    show({"email": found.email, "removed": second_factors.take_away(found)}, as_json)


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
