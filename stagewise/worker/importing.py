"""Imports in the worker's loop: as much of them at a time as lets the other jobs wait for two seconds at most."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from stagewise.leads.importing import acts, files
from stagewise.leads.importing.taking import Taker
from stagewise.leads.models import LeadImport
from stagewise.worker import derive

if TYPE_CHECKING:
    from pathlib import Path

    from stagewise.worker.slices import Slices

#: After so many seconds the other jobs have their turn.
TURN_S: Final = 2.0


class Imports:
    """See the module; ``slices`` is how bulk work rests between transactions."""

    def __init__(self, slices: Slices, data_dir: Path) -> None:
        self._slices = slices
        self._data_dir = data_dir
        self._taker = Taker(data_dir)

    def work(self) -> int:
        """Go on with the oldest import for a while; returns how many rows were dealt with."""
        end, rows = time.monotonic() + TURN_S, 0

        def step(size: int) -> int:
            nonlocal rows
            if time.monotonic() >= end:
                return 0
            done = self._taker.work(size)
            rows += done.rows
            if done.rows:
                # At once, so that the next slice finds by its index who is there already.
                derive.derive(size)
            return size if done.more else 0

        self._slices.work(step)
        return rows

    def clean(self) -> int:
        """Forget what is too old, and remove files that nobody needs; returns how many rows and files went."""
        gone = self._slices.work(acts.expire)
        needed = set(LeadImport.objects.filter(ended_at=None).values_list("path", flat=True))
        return gone + files.sweep(self._data_dir, needed)
