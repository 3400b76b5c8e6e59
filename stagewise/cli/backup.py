"""``stagewise backup`` and ``stagewise restore``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from stagewise import settings
from stagewise.cli.base import set_up_django, show, with_json

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("target", required=False, type=_PATH)
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep only the newest N backups of the folder.")
@with_json
def backup(target: Path | None, keep: int | None, as_json: bool) -> None:
    """Write everything into one file while leads come in; TARGET is a new file or a folder.

    The file holds the secret key: whoever has it has everything.
    """
    from stagewise.backup import back_up

    path, manifest = back_up(settings.load(), target, keep)
    show({"backup": str(path.absolute()), "bytes": path.stat().st_size, **_told(manifest)}, as_json)


@click.command()
@click.argument("file", type=_PATH)
@click.option("--move-aside", is_flag=True, help="Put an installation that is there into a folder beside it.")
@with_json
def restore(file: Path, move_aside: bool, as_json: bool) -> None:
    """Make the installation that a backup holds; stop Stagewise first.

    All channels are paused: `stagewise channel resume --restored` sends what waits.
    """
    from stagewise import backup as backups

    ours = settings.load()
    manifest = backups.restore(ours, file, move_aside=move_aside)
    set_up_django()
    from stagewise.site import migrate

    applied = migrate.apply()
    paused = "all; `stagewise channel resume --restored` sends what waits"
    show({"data_dir": str(ours.data_dir), **_told(manifest), "applied": applied, "paused_channels": paused}, as_json)


def _told(manifest: msgspec.Struct) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(manifest)
    return found
