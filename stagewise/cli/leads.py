"""``stagewise leads list`` and ``stagewise leads export``."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from stagewise.cli.base import choose_workspace, open_installation, with_json, with_workspace

if TYPE_CHECKING:
    from stagewise.leads.models import Lead


@click.group()
def leads() -> None:
    """The leads, newest first."""


@leads.command("list")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="The newest N only.")
@with_workspace
@with_json
def leads_list(limit: int | None, workspace: str | None, as_json: bool) -> None:
    """List leads with their stage and endpoint."""
    open_installation()
    from stagewise.leads.export import that_match
    from stagewise.leads.finding import Filters
    from stagewise.leads.queries import as_dict

    found = itertools.islice(that_match(choose_workspace(workspace), Filters()), limit)
    if as_json:
        with _opened(None) as file:
            _write_json(file, found)
        return
    for each in map(as_dict, found):
        kind = each["lead_type"]["name"]
        line = f"{each['created_at']}  {each['name']} <{each['email']}> {each['phone']}  {kind}, {each['stage']}"
        click.echo(" ".join(line.splitlines()))


@leads.command("export")
@click.option("--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write to this file.")
@with_workspace
@with_json
def leads_export(output: Path | None, workspace: str | None, as_json: bool) -> None:
    """Export all leads as CSV (or JSON), to standard output or a file.

    In the CSV, text that a spreadsheet would take for a formula begins with an apostrophe.
    """
    open_installation()
    from stagewise.leads.export import csv_lines, that_match
    from stagewise.leads.finding import Filters

    found = that_match(choose_workspace(workspace), Filters())
    with _opened(output) as file:
        if as_json:
            _write_json(file, found)
        else:
            file.writelines(csv_lines(found))


def _opened(path: Path | None) -> TextIO:
    """The file, or standard output (which stays open); line ends are written as they are given."""
    if path is not None:
        return path.open("w", encoding="utf-8", newline="")
    return open(sys.stdout.fileno(), "w", encoding="utf-8", newline="", closefd=False)


def _write_json(file: TextIO, found: Iterable[Lead]) -> None:
    """An array of objects, one on each line, as they come."""
    from stagewise.leads.queries import as_dict

    separator = "["
    for lead in found:
        file.write(separator + json.dumps(as_dict(lead), ensure_ascii=False))
        separator = ",\n"
    file.write("[]\n" if separator == "[" else "]\n")
