"""``stagewise channel``: where events go."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from stagewise.cli.base import Refused, choose_workspace, open_installation, show, with_json, with_workspace

if TYPE_CHECKING:
    from stagewise.notify.models import Channel


@click.group()
def channel() -> None:
    """Channels: where events go, such as a webhook, mailboxes or a chat."""


@channel.command("add")
@click.argument("kind")
@click.argument("name")
@click.argument("target")
@click.option("--events", metavar="A,B", default="lead.created", show_default=True, help="What it is told of.")
@click.option("--option", "options", metavar="NAME=VALUE", multiple=True, help="What the kind needs beyond the target.")
@with_workspace
@with_json
def channel_add(
    kind: str, name: str, target: str, events: str, options: Sequence[str], workspace: str | None, as_json: bool
) -> None:
    """Add a channel: KIND is webhook, email, slack, discord, teams or telegram; TARGET is a URL or addresses.

    With TARGET "-" it is read from standard input, for URLs that are secrets. The secret of a webhook is printed this
    once.
    """
    open_installation()
    from stagewise.notify import actions, queries

    where = choose_workspace(workspace)
    target = sys.stdin.readline().strip() if target == "-" else target
    wanted = [each.strip() for each in events.split(",") if each.strip()]
    added, secret = actions.add_channel(where, kind, name, target, events=wanted, options=_pairs(options))
    show({**queries.as_dict(added), **({} if secret is None else {"secret": secret})}, as_json)


@channel.command("list")
@with_workspace
@with_json
def channel_list(workspace: str | None, as_json: bool) -> None:
    """All channels, the oldest first, each with how many deliveries wait and how many have failed."""
    open_installation()
    from stagewise.notify import queries

    where = choose_workspace(workspace)
    counts = queries.counts(where)
    found = queries.of_workspace(where)
    show(
        [{**queries.as_dict(each), **counts.get(each.pk, queries.Counts())._asdict()} for each in found],
        as_json,
    )


@channel.command("test")
@click.argument("name")
@with_workspace
@with_json
def channel_test(name: str, workspace: str | None, as_json: bool) -> None:
    """Send a test event now, and say whether it arrived."""
    open_installation()
    from stagewise.notify import actions

    found = _find(workspace, name)
    tried = actions.send_test(found)
    if tried.outcome.problem:
        raise Refused(f"the test did not arrive: {tried.outcome.problem}")
    status = tried.outcome.status
    told = {"name": found.name, "id": str(tried.delivery.public_id), "status": status, "took_ms": tried.took_ms}
    show({**told, "answer": tried.outcome.answer}, as_json)


@channel.command("resume")
@click.argument("name", required=False)
@click.option("--restored", is_flag=True, help="All that a restore has paused, of all workspaces.")
@with_workspace
@with_json
def channel_resume(name: str | None, restored: bool, workspace: str | None, as_json: bool) -> None:
    """Send what waits for a channel that is paused."""
    if (name is None) != restored or (restored and workspace is not None):
        raise click.UsageError("give the NAME of a channel, or --restored alone")
    open_installation()
    from stagewise.backup.restoring import WHY_PAUSED
    from stagewise.notify import actions, queries
    from stagewise.notify.models import Channel

    paused = Channel.objects.filter(paused_because=WHY_PAUSED)
    found = [_find(workspace, name)] if name is not None else list(paused)
    for each in found:
        actions.resume(each)
        each.refresh_from_db()
    show([queries.as_dict(each) for each in found], as_json)


@channel.command("remove")
@click.argument("name")
@with_workspace
@with_json
def channel_remove(name: str, workspace: str | None, as_json: bool) -> None:
    """Remove a channel with its deliveries, those that wait too."""
    open_installation()
    from stagewise.notify import actions, queries

    found = _find(workspace, name)
    removed = queries.as_dict(found)
    actions.remove_channel(found)
    show(removed, as_json)


def _pairs(options: Sequence[str]) -> dict[str, str]:
    found = {}
    for each in options:
        name, separator, value = each.partition("=")
        if not separator or not name:
            raise Refused(f"--option takes NAME=VALUE, not {each!r}")
        found[name] = value
    return found


def _find(workspace: str | None, name: str) -> Channel:
    from stagewise.notify import queries

    known = list(queries.of_workspace(choose_workspace(workspace)))
    for each in known:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in known)
    raise Refused(f"there is no channel {name!r}; there is {names or 'none yet'}")
