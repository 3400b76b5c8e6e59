"""``stagewise dev``: for those who work on Stagewise itself."""

from __future__ import annotations

import sys

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace


@click.group()
def dev() -> None:
    """For those who work on Stagewise itself."""


@dev.command()
@click.argument("count", type=click.IntRange(min=1, max=100_000_000), metavar="N")
@click.option(
    "--days", type=click.IntRange(min=1, max=3_650), default=730, show_default=True, help="Spread over so many."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another number, other people.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_workspace
@with_json
def fill(count: int, days: int, seed: int, yes: bool, workspace: str | None, as_json: bool) -> None:
    """Write N made up leads, with calls and events, as if they had come over the last days.

    They cannot be told from real leads afterwards: use an installation of its own. Nobody is notified of them.
    """
    open_installation()
    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.models import Endpoint
    from stagewise.site.filling import filler

    where: Workspace = choose_workspace(workspace)
    if not Endpoint.objects.filter(workspace=where).exists():
        raise Refused(f"{where.slug} has no endpoint that leads could have come by: `stagewise endpoint add NAME`")
    if not yes:
        click.confirm(f"Write {count:,} made up leads into “{where.name}”, for good?", abort=True, err=True)
    with click.progressbar(length=count, label="Leads", file=sys.stderr) as bar:
        for written in filler.fill(where, count, days=days, seed=seed):
            bar.update(written)
    show({"workspace": where.slug, "leads": count, "database_bytes": filler.size_of_database()}, as_json)
