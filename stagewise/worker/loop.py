"""The worker's loop: often what people wait for, now and then what only keeps the house clean."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

from django.db import DatabaseError, connection

from stagewise import log
from stagewise.health import Health
from stagewise.leads import bulk
from stagewise.settings import Settings
from stagewise.worker import derive, retention
from stagewise.worker.ageing import Ageing
from stagewise.worker.digest import Digest
from stagewise.worker.importing import Imports
from stagewise.worker.metrics import Metrics
from stagewise.worker.outbox import DRAIN_S, Outbox
from stagewise.worker.slices import Slices
from stagewise.worker.sockets import HealthServer
from stagewise.worker.soundness import Soundness
from stagewise.worker.watching import Watching

#: How long an idle worker sleeps before it looks again, in seconds.
IDLE_S = 0.5
#: How long it waits after an error of the database.
AFTER_ERROR_S = 2.0
#: SQLite's log is cut back when it has grown beyond this.
WAL_BYTES = 32 * 1024 * 1024

_log = log.Log("stagewise.worker")


class Job:
    """Something done again and again: ``do`` returns how many rows it handled."""

    def __init__(self, name: str, every: float, do: Callable[[], int]) -> None:
        self.name = name
        self.every = every
        self.do = do
        self.next_at = 0.0


class Worker:
    """All jobs of the worker; deliveries and watching in threads beside them, so that none waits for another.

    :meth:`run` returns after SIGTERM or SIGINT: at the end of the slice at hand, and within ten seconds.
    """

    def __init__(self, chosen: Settings) -> None:
        self._chosen = chosen
        self.stop = threading.Event()
        imports = Imports(Slices(self.stop), chosen.data_dir)
        self.jobs = [
            Job("derive", IDLE_S, partial(Slices(self.stop).work, derive.derive)),
            Job("import", IDLE_S, imports.work),
            Job("bulk", IDLE_S, partial(bulk.work, IDLE_S)),
            Job("partitions", 6 * 3600, _nothing_to_count(retention.make_partitions)),
            Job("digest", 60, Digest().write_due),
            Job("prune", 600, partial(retention.prune, Slices(self.stop), Ageing())),
            Job("import_clean", 600, imports.clean),
            Job("checkpoint", 30, _nothing_to_count(self._cut_log)),
        ]
        self._metrics = Metrics(chosen.data_dir)
        self._registry = self._metrics.registry

    def run(self, host: str, port: int | None) -> None:
        """Work until told to stop; health and metrics answer meanwhile."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop.set())
        place = (host, port) if port is not None else self._chosen.data_dir / "worker.sock"
        metrics = self._metrics
        outbox = Outbox(self.stop, metrics.count, note=metrics.note)
        soundness = Soundness(self._chosen.sqlite_path)
        watching = Watching(
            self.stop, self._chosen.data_dir, metrics.count, metrics.look, damage=lambda: soundness.problem
        )
        deliveries = threading.Thread(target=outbox.run, name="outbox", daemon=True)
        watch = threading.Thread(target=watching.run, name="watch", daemon=True)
        with contextlib.closing(Health(self._chosen, self._registry)) as health, HealthServer(health, place):
            _log.info("at work")
            deliveries.start()
            watch.start()
            if not self._chosen.uses_postgres:
                # Not waited for at the end: it writes nothing.
                threading.Thread(target=soundness.run, args=(self.stop,), name="soundness", daemon=True).start()
            while not self.stop.is_set():
                self.turn()
                self.stop.wait(IDLE_S)
            deliveries.join(DRAIN_S + 1)
            watch.join(1)

    def turn(self) -> None:
        """Do every job whose time has come. A job that fails is logged and comes again; the others go on."""
        for job in self.jobs:
            if self.stop.is_set() or time.monotonic() < job.next_at:
                continue
            job.next_at = time.monotonic() + job.every
            try:
                self._metrics.count(job.name, job.do())
            except DatabaseError as error:
                job.next_at = time.monotonic() + max(AFTER_ERROR_S, job.every)
                self._failed(job, error)
                with contextlib.suppress(DatabaseError):
                    connection.close()
            except Exception as error:  # noqa: BLE001 - one job's mistake must not stop the others
                job.next_at = time.monotonic() + max(60.0, job.every)
                self._failed(job, error)

    def _failed(self, job: Job, error: Exception) -> None:
        self._metrics.errors.labels(job.name).inc()
        unexpected = None if isinstance(error, DatabaseError) else error
        _log.error("job failed", job=job.name, error=str(error), exc_info=unexpected)

    def _cut_log(self) -> None:
        """SQLite checkpoints by itself but never shrinks its log after a long reader let it grow."""
        wal = self._chosen.sqlite_path.with_name(self._chosen.sqlite_path.name + "-wal")
        if self._chosen.uses_postgres or not wal.exists() or wal.stat().st_size < WAL_BYTES:
            return
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(PASSIVE)")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _nothing_to_count(do: Callable[[], None]) -> Callable[[], int]:
    def done() -> int:
        do()
        return 0

    return done
