"""Watches beside the worker's other jobs: alerts once a minute, canaries when they are due.

A thread of its own, because a long clean-up must not keep anybody from learning that the form is broken. Canaries wait
for answers, so they go in threads of theirs, a few at a time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from django.db import DatabaseError, connection, connections

from stagewise import log
from stagewise.accounts.clock import now_ms
from stagewise.notify.alerts import canary
from stagewise.notify.alerts.watching import Watcher

if TYPE_CHECKING:
    from pathlib import Path

    from stagewise.notify.models import Watch

#: How often we look, and how often we ask whether a canary is due, in seconds.
LOOK_S: Final = 60.0
CANARY_S: Final = 2.0
#: Canaries under way at once.
CANARIES: Final = 4
_AFTER_ERROR_S: Final = 10.0

_log = log.Log("stagewise.worker")


class Watching:
    """See the module. ``count`` is told the name of a job and how many alerts changed or canaries were sent.

    ``after_look`` is called after each look, with a connection to the database at hand; ``damage`` says what is wrong
    with the database's file.
    """

    def __init__(
        self,
        stop: threading.Event,
        data_dir: Path,
        count: Callable[[str, int], object],
        after_look: Callable[[], object] = lambda: None,
        damage: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._stop = stop
        self._count = count
        self._after_look = after_look
        self._watcher = Watcher(data_dir, damage=damage)
        self._canaries: list[threading.Thread] = []
        self._look_at = 0.0

    def run(self) -> None:
        """Watch until told to stop; canaries that are under way then are not waited for, and go after a week."""
        while not self._stop.is_set():
            wait_s = CANARY_S
            try:
                self.turn()
            except DatabaseError as error:
                _log.error("watching waits for the database", error=str(error))
                connection.close()
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not end all watching for good
                _log.error("watching failed by a mistake of ours", error=str(error), exc_info=error)
                wait_s = _AFTER_ERROR_S
            self._stop.wait(wait_s)
        connection.close()

    def turn(self) -> None:
        """Look if it is time to, and send the canaries that are due."""
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + LOOK_S
            self._count("watch", self._watcher.turn())
            self._after_look()
        self._canaries = [each for each in self._canaries if each.is_alive()]
        room = CANARIES - len(self._canaries)
        for watch in canary.claim_due(now_ms(), room) if room else []:
            thread = threading.Thread(target=self._send, args=(watch,), name="canary", daemon=True)
            self._canaries.append(thread)
            thread.start()

    def _send(self, watch: Watch) -> None:
        try:
            problem = canary.send_one(watch, now_ms)
            self._count("canary", 1)
            if problem:
                _log.warning("canary failed", endpoint=watch.endpoint_id, problem=problem)
        except Exception as error:  # noqa: BLE001 - the next one comes by itself
            _log.error("canary failed by a mistake of ours", endpoint=watch.endpoint_id, error=repr(error))
        finally:
            for each in connections.all(initialized_only=True):
                each.close()
