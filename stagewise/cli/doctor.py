"""``stagewise doctor``: try a live endpoint or a website's relay from outside."""

from __future__ import annotations

import json

import click

from stagewise.cli.base import Refused, with_json

_FILE = click.Path(exists=True, dir_okay=False)
_SECONDS = click.FloatRange(1, 120)


@click.command()
@click.argument("url")
@click.option("--origin", "origins", multiple=True, metavar="ORIGIN", help="A website whose pages call (repeatable).")
@click.option("--expect-refused", is_flag=True, help="This machine must not get in: the test from a different address.")
@click.option("--ca", "ca_file", type=_FILE, help="Certificates (PEM) of an authority of your own.")
@click.option("--timeout", type=_SECONDS, default=15, show_default=True, metavar="S", help="For each step of a call.")
@with_json
def doctor(
    url: str, origins: tuple[str, ...], expect_refused: bool, ca_file: str | None, timeout: float, as_json: bool
) -> int:
    """Try the endpoint or the relay at URL with test leads, and say what to mend.

    The exit status is 0 when nothing failed, 1 when something did, and 2 for a command that makes no sense.
    """
    from stagewise.doctor import Target, WrongUse, examine

    try:
        target = Target(url, origins, expect_refused, ca_file, timeout)
    except WrongUse as error:
        raise Refused(str(error)) from None
    report = examine(target)
    click.echo(json.dumps(report.as_dict(), ensure_ascii=False) if as_json else report.as_text())
    return 1 if report.failed else 0
