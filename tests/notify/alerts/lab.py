"""An installation whose clock the tests of alerts move."""

from __future__ import annotations

import types
from pathlib import Path

import pytest

from stagewise.accounts.models import Workspace
from stagewise.checks import ENOUGH_SPACE
from stagewise.endpoints.models import Attempt, AttemptCounter, Endpoint
from stagewise.notify.alerts import queries
from stagewise.notify.alerts.watching import Watcher
from stagewise.notify.models import Alert, Event
from tests.notify.workbench import HOUR, MINUTE, NOON, Clock

#: The beginning of a minute, and of an hour.
NOW = NOON // HOUR * HOUR + 30 * MINUTE


class Lab:
    """An endpoint, a clock, and a watcher that looks when the test says so."""

    def __init__(self, workspace: Workspace, folder: Path) -> None:
        self.workspace = workspace
        self.endpoint = Endpoint.objects.get(workspace=workspace)
        self.clock = Clock(NOW)
        self.folder = folder
        self.watcher = Watcher(folder, self.clock, "here")

    def count(self, outcome: str, count: int = 1, ago: int = MINUTE, process: int = 1) -> None:
        minute = (self.clock.now - ago) // MINUTE * MINUTE
        ids = {"workspace_id": self.workspace.pk, "endpoint_id": self.endpoint.pk, "process": process}
        AttemptCounter.objects.create(**ids, minute=minute, outcome=outcome, count=count, detailed=count)

    def call(self, outcome: str, address: str, times: int = 1, ago: int = MINUTE, origin: str | None = None) -> None:
        """Rows of the journal with their counter."""
        Attempt.objects.bulk_create(
            Attempt(
                workspace_id=self.workspace.pk, endpoint_id=self.endpoint.pk, at=self.clock.now - ago, outcome=outcome,
                status=201, address=address, address_from="peer", request_id="0", origin=origin,
            )
            for _ in range(times)
        )  # fmt: skip
        minute = (self.clock.now - ago) // MINUTE * MINUTE
        ids = {"workspace_id": self.workspace.pk, "endpoint_id": self.endpoint.pk, "minute": minute, "process": 1}
        row, _ = AttemptCounter.objects.get_or_create(**ids, outcome=outcome, defaults={"count": 0, "detailed": 0})
        AttemptCounter.objects.filter(pk=row.pk).update(count=row.count + times)

    def look(self, after: int = 0, fresh: bool = False) -> list[str]:
        """Let time pass, look, and return the kinds of the alerts that are open; ``fresh``: by another worker.

        What was told of before has been handed on meanwhile.
        """
        Event.objects.filter(kind__startswith="alert.").update(dispatched_at=self.clock.now)
        self.clock.now += after
        (Watcher(self.folder, self.clock, "here") if fresh else self.watcher).turn()
        return [alert.kind for alert in queries.open_ones(self.workspace).order_by("kind")]

    def told(self) -> list[str]:
        """The kinds of the events so far."""
        return list(Event.objects.filter(kind__startswith="alert.").order_by("id").values_list("kind", flat=True))


def set_free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    """Pretend that the disk has so much space left."""
    usage = types.SimpleNamespace(total=10 * ENOUGH_SPACE, free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)


def only(kind: str) -> Alert:
    return Alert.objects.select_related("workspace", "endpoint", "channel").get(kind=kind)


# Raised once, resolved by itself
