"""``stagewise serve``, and its three processes each for itself."""

from __future__ import annotations

import click

from stagewise import filesystems, ports, settings
from stagewise.cli.base import watch, with_parent

_HOST = click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
_PORT = click.IntRange(1, 65_535)


def _begin(host: str, port: int | None, parent: int | None) -> None:
    """Watch the supervisor, if there is one, and see that we may listen."""
    watch(parent)
    if port is not None:
        ports.check(host, port)


@click.command()
@_HOST
@click.option("--port", type=_PORT, default=8000, show_default=True, help="The public endpoint.")
@click.option("--console-port", type=_PORT, default=8001, show_default=True, help="The console.")
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes of the endpoint.")
def serve(host: str, port: int, console_port: int, workers: int) -> int:
    """Start everything: the public endpoint, the console, the worker; set up what is missing first."""
    from stagewise import serve as supervisor

    return supervisor.run(settings.load(), supervisor.Plan(host, port, console_port, workers))


@click.command()
@_HOST
@click.option("--port", type=_PORT, default=8000, show_default=True)
@click.option("--workers", type=click.IntRange(1, 64), default=1, show_default=True, help="Processes.")
@with_parent
def intake(host: str, port: int, workers: int, parent: int | None) -> None:
    """Serve the public endpoint alone. The database must be there: see `stagewise migrate`."""
    _begin(host, port, parent)
    filesystems.refuse_network(settings.load())
    from stagewise.intake.server import run

    run(settings.load(), host, port, workers)


@click.command()
@_HOST
@click.option("--port", type=_PORT, default=8001, show_default=True)
@with_parent
def console(host: str, port: int, parent: int | None) -> None:
    """Serve the console alone."""
    _begin(host, port, parent)
    from stagewise.console_server import run

    run(settings.load(), host, port)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where health and metrics listen, with --port.")
@click.option("--port", type=_PORT, help="Serve health and metrics here, not on a socket.")
@with_parent
def worker(host: str, port: int | None, parent: int | None) -> None:
    """Run the worker alone: deliveries, derived fields, retention."""
    _begin(host, port, parent)
    from stagewise.worker import run

    run(settings.load(), host, port)
