"""``stagewise held``: leads that looked suspicious, listed, released and discarded."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import Workspace

_IDS = click.argument("ids", nargs=-1, required=True, metavar="ID...")


@click.group()
def held() -> None:
    """Leads that looked suspicious and wait for somebody."""


@held.command("list")
@click.option("--state", type=click.Choice(["waiting", "discarded", "released"]), default="waiting", show_default=True)
@with_workspace
@with_json
def held_list(state: str, workspace: str | None, as_json: bool) -> None:
    """List held leads, newest first, each with the reasons."""
    open_installation()
    from stagewise.leads import held_queries

    found = held_queries.page(choose_workspace(workspace), state, size=None)
    show([held_queries.as_dict(each) for each in found.held], as_json)


@held.command("release")
@_IDS
@with_workspace
@with_json
def held_release(ids: Sequence[str], workspace: str | None, as_json: bool) -> None:
    """Make leads of held ones, with the time at which they came; those released before stay as they are."""
    open_installation()
    from stagewise.leads import held as actions

    where = choose_workspace(workspace)
    wanted = _known(where, ids, refused="discarded")
    actions.release(where, wanted)
    _show(where, wanted, as_json)


@held.command("discard")
@_IDS
@with_workspace
@with_json
def held_discard(ids: Sequence[str], workspace: str | None, as_json: bool) -> None:
    """Discard held leads; they are kept for 7 days, and the console can put them back."""
    open_installation()
    from stagewise.leads import held as actions

    where = choose_workspace(workspace)
    wanted = _known(where, ids, refused="released")
    actions.discard(where, wanted)
    _show(where, wanted, as_json)


def _known(workspace: Workspace, texts: Sequence[str], refused: str) -> list[uuid.UUID]:
    """The ids; unless all are held leads of the workspace, and none in the state ``refused``, nothing is done."""
    from stagewise.leads import held_queries

    ids = [_read(text) for text in dict.fromkeys(texts)]
    found = {each.public_id: each.state for each in held_queries.of_workspace(workspace).filter(public_id__in=ids)}
    for each in ids:
        if each not in found:
            raise Refused(f"there is no held lead {each}")
        if found[each] == refused:
            raise Refused(f"{each} was {refused} already")
    return ids


def _read(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise Refused(f"{text!r} is no id of a held lead; `stagewise held list` shows them") from None


def _show(workspace: Workspace, ids: Sequence[uuid.UUID], as_json: bool) -> None:
    from stagewise.leads import held_queries

    found = {each.public_id: each for each in held_queries.of_workspace(workspace).filter(public_id__in=ids)}
    show([held_queries.as_dict(found[each]) for each in ids], as_json)
