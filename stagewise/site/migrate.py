"""Bring the database to the schema of this release: one process at a time, and never backwards."""

from __future__ import annotations

import contextlib
import fcntl
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.core.management.commands import migrate as command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from stagewise.accounts.models import Installation
from stagewise.site import settings
from stagewise.store.schema import OLDEST_LANE, SCHEMA_VERSION, SchemaError, check_key, key_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.migrations import Migration
    from django.db.migrations.state import ProjectState

#: Key of the advisory lock on PostgreSQL: "stagewis" in ASCII, as a number.
LOCK = 0x73746167_65776973


class Executor(MigrationExecutor):
    """Django's executor, but a migration and the record of it are one transaction.

    Django records some migrations (those that leave indexes or constraints for their end) only after they are
    committed. Killed between the two, the next run would do them again, and fail: their tables are there already.
    """

    def apply_migration(
        self, state: ProjectState, migration: Migration, fake: bool = False, fake_initial: bool = False
    ) -> ProjectState:
        """Apply and record; both our databases take back changes of the schema with their transaction."""
        if fake or fake_initial or not migration.atomic:
            return super().apply_migration(state, migration, fake=fake, fake_initial=fake_initial)
        with self.connection.schema_editor(atomic=True) as editor:
            state = migration.apply(state, editor)
            self.record_migration(migration)
        return state


def apply() -> list[str]:
    """Apply what is missing and return the names of the migrations applied, in order.

    Safe to call from several processes and nodes at once, and to repeat after a kill in the middle. Raises
    :class:`SchemaError` for a database from a newer release, or of another secret key.
    """
    with alone():
        executor = Executor(connection)
        _refuse(executor)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if plan:
            command.MigrationExecutor = Executor  # type: ignore[attr-defined] # there is no other way
            call_command("migrate", interactive=False, verbosity=0)
        Installation.objects.update_or_create(
            id=1,
            defaults={
                "schema_version": SCHEMA_VERSION,
                "oldest_lane": OLDEST_LANE,
                "key_fingerprint": key_fingerprint(settings.SECRET_KEY),
            },
        )
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Be the only process that changes the schema: a lock in the data directory, or in PostgreSQL for all nodes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            try:
                yield
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        return
    with (settings.OURS.data_dir / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _refuse(executor: MigrationExecutor) -> None:
    known = executor.loader.disk_migrations or {}
    apps = {app for app, _name in known}
    applied = executor.loader.applied_migrations
    newer = [f"{app}.{name}" for app, name in applied if app in apps and (app, name) not in known]
    row = Installation.objects.filter(id=1).first() if ("accounts", "0001_initial") in applied else None
    if newer or (row is not None and row.schema_version > SCHEMA_VERSION):
        unknown = f"{min(newer)}, which this one does not know" if newer else "a higher version"
        raise SchemaError(
            f"the schema of the database was made by a newer Stagewise (it has {unknown}):"
            " install that release, or restore a backup made before the update"
        )
    if row is not None:
        check_key(row.key_fingerprint, settings.SECRET_KEY)
