"""``stagewise endpoint watch``: when the alerts of an endpoint are raised, and how often a canary is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from stagewise.cli.base import Refused, open_installation, show, with_json, with_workspace

_Command = TypeVar("_Command", bound=Callable[..., Any])

#: Option → (figure, what it stands for). ``none`` switches an alert off.
_NUMBERS = {
    "--no-lead-hours": ("no_lead_hours", "N|none", "No lead for so many hours."),
    "--refusals": ("refusals", "N|none", "So many refused calls in 15 minutes …"),
    "--refusals-factor": ("refusals_factor", "N", "… when that is so many times what is usual."),
    "--all-refused": ("all_refused", "N|none", "So many refused calls in an hour, and none taken."),
    "--one-address": ("one_address", "PERCENT|none", "Share of the calls from one address …"),
    "--one-origin": ("one_origin", "PERCENT|none", "Share of the calls from one origin …"),
    "--from-calls": ("from_calls", "N", "… when there are so many in an hour."),
    "--limited-addresses": ("limited_addresses", "N|none", "So many addresses over the limit in an hour."),
    "--refused-after-change": ("refused_after_change", "N|none", "So many refusals that a change explains."),
    "--canary-minutes": ("canary_minutes", "N|none", "Minutes between two test leads through the public URL."),
}


def _with_figures(command: _Command) -> _Command:
    for flag, (_, metavar, about) in reversed(_NUMBERS.items()):
        command = click.option(flag, metavar=metavar, help=about)(command)
    about = "No lead for longer than usual at that time of the week."
    return click.option("--usual-silence", type=click.Choice(["on", "off"]), help=about)(command)


@click.command("watch")
@click.argument("name")
@_with_figures
@with_workspace
@with_json
def endpoint_watch(name: str, workspace: str | None, as_json: bool, **given: str | None) -> None:
    """Change when the alerts of an endpoint are raised, and its canary; without options, show both."""
    open_installation()
    from msgspec import UNSET

    from stagewise.cli.endpoint import find_endpoint
    from stagewise.notify.alerts import actions

    figures: dict[str, Any] = {}
    for flag, (figure, _, _) in _NUMBERS.items():
        text = given[flag.lstrip("-").replace("-", "_")]
        if text is not None:
            figures[figure] = _number(flag, text)
    if given["usual_silence"] is not None:
        figures["usual_silence"] = given["usual_silence"] == "on"
    minutes = figures.pop("canary_minutes", UNSET)
    found = find_endpoint(workspace, name)
    if figures or minutes is not UNSET:
        actions.set_watch(found, figures, minutes)
    show(actions.watch_as_dict(found), as_json)


def _number(flag: str, text: str) -> int | None:
    if text.strip().lower() == "none":
        return None
    try:
        return int(text)
    except ValueError:
        raise Refused(f"{flag} takes a number or `none`, not {text!r}") from None
