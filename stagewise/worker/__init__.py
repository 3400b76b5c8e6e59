"""``stagewise worker``: everything that need not happen before a lead's answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stagewise.settings import Settings


def run(chosen: Settings, host: str, port: int | None) -> None:
    """Work until SIGTERM or SIGINT. Health and metrics listen on host and port, else on a socket in the data directory.

    Raises ``SchemaError`` or ``StoreError`` when the database is not one that this release serves.
    """
    from stagewise import health, log, settings

    log.configure("worker")
    settings.prepare_data_dir(chosen)
    health.check_database(chosen, settings.secret_key(chosen))
    settings.choose_django()
    import django

    django.setup()
    from stagewise.worker.loop import Worker

    Worker(chosen).run(host, port)
