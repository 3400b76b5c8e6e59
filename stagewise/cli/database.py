"""``stagewise migrate`` and ``stagewise check``."""

from __future__ import annotations

import click
import msgspec

from stagewise import settings
from stagewise.cli.base import Refused, set_up_django, show, watch, with_json, with_parent


@click.command()
@click.option("--renew-link", is_flag=True, hidden=True, help="Make a new one-time link while nobody can log in.")
@with_parent
@with_json
def migrate(renew_link: bool, parent: int | None, as_json: bool) -> None:
    """Bring the database to this release's schema; in an empty one make the first workspace.

    `stagewise serve` does this by itself. Run it by hand where the processes run alone, before they start.
    """
    watch(parent)
    ours = settings.load()
    settings.prepare_data_dir(ours)
    set_up_django()
    from django.urls import reverse

    from stagewise.site import migrate as migration
    from stagewise.site import provision

    applied = migration.apply()
    found = provision.first_run(renew_link=renew_link)
    url = ours.console_url + reverse("setup", args=[found.setup_token]) if found.setup_token else None
    show({"applied": applied, "workspace": found.workspace.slug, "setup_url": url}, as_json)


@click.command()
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Intake processes on all nodes together.",
)
@with_json
def check(processes: int, as_json: bool) -> None:
    """Say whether this installation can keep its promises; exit code 2 if it cannot."""
    from stagewise import checks

    found = list(checks.examine(settings.load(), processes))
    if as_json:
        show([msgspec.to_builtins(finding) for finding in found], as_json)
    else:
        for finding in found:
            click.echo(f"{finding.state:8} {finding.name}: {finding.text}")
    problems = [finding for finding in found if finding.state == "problem"]
    if problems:
        raise Refused("; ".join(f"{finding.name}: {finding.text}" for finding in problems))
