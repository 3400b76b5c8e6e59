"""``stagewise endpoint``: who may call, how often, and what else is asked of a lead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace
from stagewise.cli.rules import changes_of, with_rules
from stagewise.cli.watch import endpoint_watch

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint


@click.group()
def endpoint() -> None:
    """Public API endpoints: who may call, and how often."""


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
@with_rules
@with_workspace
@with_json
def endpoint_set(name: str, workspace: str | None, as_json: bool, **given: Any) -> None:
    """Change the rules of an endpoint, all of those given or none; they hold for the next request."""
    open_installation()
    from stagewise.endpoints import actions, queries

    changes = changes_of(given)
    found = find_endpoint(workspace, name)
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

    found = find_endpoint(workspace, name)
    actions.rotate_key(found, overlap)
    show(queries.as_dict(found), as_json)


endpoint.add_command(endpoint_watch)


def find_endpoint(workspace: str | None, name: str) -> Endpoint:
    """The endpoint of this name; raises :class:`Refused` where there is none."""
    from stagewise.endpoints import queries

    known = queries.of_workspace(choose_workspace(workspace))
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in known)
    raise Refused(f"there is no endpoint {name!r}; there is {names or 'none yet'}")
