"""The command ``stagewise-relay``, which is also ``stagewise relay``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import click

from stagewise_client import __version__
from stagewise_client.errors import ConfigError
from stagewise_client.relay.config import HELP, LISTENING, PREFIX, from_environment


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for each setting. What is not given comes from the environment."""
    for name, text in reversed(HELP.items()):
        metavar = "URL" if "url" in name else "TEXT"
        command = click.option(f"--{name.replace('_', '-')}", name, metavar=metavar, help=text)(command)
    return command


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@_with_settings
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", help="Port to listen on.  [default: 8010]")
@click.option("--workers", help="Processes that share the port.  [default: 1]")
@click.option("--check", is_flag=True, help="Only see whether the settings can be used.")
@click.version_option(__version__, prog_name="stagewise-relay")
def relay(check: bool, **given: str | None) -> None:
    """Take a website's form and pass it on to Stagewise, from your own server.

    Each option can also be given in the environment: --data-dir as STAGEWISE_RELAY_DATA_DIR. Lists are separated by
    commas. Secrets belong into the environment or a file, for options can be seen by everybody on the machine.
    """
    try:
        environ = dict(os.environ)
        for name, value in given.items():
            if value is not None:
                environ[PREFIX + name.upper()] = value
        host, port, workers = _listening(environ)
        config = from_environment(environ)
        from stagewise_client.relay.serving import run

        if check:
            config.verifier()
            click.echo("the settings can be used")
            return
        ours = {name: value for name, value in environ.items() if name.startswith(PREFIX)}
        run(ours, host, port, workers)
    except ConfigError as error:
        raise click.ClickException(" ".join(str(error).split())) from None


def _listening(environ: dict[str, str]) -> tuple[str, int, int]:
    host, port, workers = (environ.get(PREFIX + name.upper(), "").strip() for name in LISTENING)
    return host or "127.0.0.1", _number("PORT", port or "8010", 65_535), _number("WORKERS", workers or "1", 64)


def _number(name: str, text: str, highest: int) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= highest:
        return int(text)
    raise ConfigError(f"{PREFIX}{name} is a whole number from 1 to {highest:,}, not {text!r}")


def main() -> None:
    """Run the command; what goes wrong is one line on standard error and exit code 2."""
    try:
        relay.main(prog_name="stagewise-relay", standalone_mode=False)
    except click.UsageError as error:
        click.echo(f"stagewise-relay: {error.format_message()} (see `stagewise-relay --help`)", err=True)
        sys.exit(2)
    except click.ClickException as error:
        click.echo(f"stagewise-relay: {error.format_message()}", err=True)
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
