"""``stagewise alert``: what needs a look, and not being told of it for a while."""

from __future__ import annotations

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace


@click.group()
def alert() -> None:
    """What needs a look: no leads, many refusals, a channel that fails."""


@alert.command("list")
@click.option("--state", type=click.Choice(["open", "resolved", "all"]), default="open", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="The newest only.")
@with_workspace
@with_json
def alert_list(state: str, limit: int, workspace: str | None, as_json: bool) -> None:
    """List alerts, the newest first."""
    open_installation()
    from stagewise.notify.alerts import queries, raising

    found = queries.of_workspace(choose_workspace(workspace))
    if state != "all":
        found = found.filter(resolved_at__isnull=state == "open")
    show([raising.as_data(each) for each in found[:limit]], as_json)


@alert.command("snooze")
@click.argument("alert_id", type=int, metavar="ID")
@click.option("--hours", type=float, default=24, show_default=True, help="For how long; 0: tell again.")
@with_workspace
@with_json
def alert_snooze(alert_id: int, hours: float, workspace: str | None, as_json: bool) -> None:
    """Tell nobody of an alert for a while, also if it comes back meanwhile."""
    open_installation()
    from stagewise.notify.alerts import actions, queries, raising

    found = queries.of_workspace(choose_workspace(workspace)).filter(pk=alert_id).first()
    if found is None:
        raise Refused(f"there is no alert {alert_id}; `stagewise alert list --state all` shows them")
    show(raising.as_data(actions.snooze(found, hours)), as_json)
