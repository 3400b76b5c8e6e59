"""The ``stagewise`` command. Each sub-command is loaded when it is called: the lane must start in an instant."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from stagewise import __version__
from stagewise.cli.base import explain

#: sub-command → where it is defined.
COMMANDS = {
    "serve": "processes",
    "intake": "processes",
    "console": "processes",
    "worker": "processes",
    "migrate": "database",
    "check": "database",
    "backup": "backup",
    "restore": "backup",
    "workspace": "workspace",
    "user": "data",
    "lead-type": "data",
    "endpoint": "endpoint",
    "leads": "leads",
    "held": "held",
    "channel": "channels",
    "alert": "alerts",
    "retention": "retention",
    "relay": "relay",
    "doctor": "doctor",
    "dev": "dev",
}


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"stagewise.cli.{COMMANDS[cmd_name]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stagewise")
def stagewise() -> None:
    """Contact forms in, leads out, nothing lost on the way. `stagewise serve` starts everything."""


def main() -> None:
    """Run the command of this process; what goes wrong is one line on stderr and exit code 2."""
    try:
        result = stagewise.main(prog_name="stagewise", standalone_mode=False)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`stagewise leads export | head`).
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:
        message = explain(error)
        if message is None:
            raise
        click.echo(f"stagewise: {message}", err=True)
        sys.exit(2)
    sys.exit(result if isinstance(result, int) else 0)
