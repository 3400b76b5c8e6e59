"""``stagewise retention``: how long a workspace keeps its leads, calls, deliveries and addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

_DAYS = "DAYS|none"


@click.group()
def retention() -> None:
    """How long what is kept."""


@retention.command("show")
@with_workspace
@with_json
def retention_show(workspace: str | None, as_json: bool) -> None:
    """The periods in days; none: for good."""
    open_installation()
    from stagewise.worker import kept

    show(kept.as_dict(choose_workspace(workspace)), as_json)


@retention.command("set")
@click.option("--attempts", metavar="DAYS", help="Calls in Logs.")
@click.option("--deliveries", metavar="DAYS", help="Deliveries with their tries.")
@click.option("--audit", metavar=_DAYS, help="Who changed what.")
@click.option("--addresses", metavar=_DAYS, help="Whole addresses; after that /24, or /64 of IPv6.")
@click.option("--leads", multiple=True, metavar=f"TYPE={_DAYS}", help="Leads of a lead type; may be repeated.")
@with_workspace
@with_json
def retention_set(workspace: str | None, as_json: bool, leads: Sequence[str], **given: str | None) -> None:
    """Change periods, all of those given or none. What is older goes within minutes, for good."""
    open_installation()
    from django.db import transaction

    from stagewise.leads import queries
    from stagewise.worker import kept

    where = choose_workspace(workspace)
    changes = {name: _days(f"--{name}", text) for name, text in given.items() if text is not None}
    known = {each.name: each for each in queries.lead_types(where)}
    wanted: list[tuple[Any, int | None]] = []
    for each in leads:
        name, equals, text = each.rpartition("=")
        if not equals or name not in known:
            raise Refused(f"--leads takes TYPE={_DAYS}; the lead types are {', '.join(known)}")
        wanted.append((known[name], _days("--leads", text)))
    with transaction.atomic():
        kept.set_kept(where, changes)
        for lead_type, days in wanted:
            kept.keep_leads(lead_type, days)
    where.refresh_from_db()
    show(kept.as_dict(where), as_json)


def _days(flag: str, text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{flag} takes a number of days or `none`, not {text!r}") from None
