from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    # pytest reads this file before Django is set up.
    from stagewise.accounts.models import Workspace
    from stagewise.worker.outbox import Outbox
    from tests.notify.workbench import Clock, Recorder


@pytest.fixture
def workspace(db: None) -> Workspace:
    from stagewise.site import provision

    return provision.first_run().workspace


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A kind of channel of the tests' own: see tests/notify/workbench.py."""
    from stagewise.notify import channels
    from tests.notify.workbench import Recorder

    made = Recorder()
    monkeypatch.setitem(channels._known, made.name, made)
    return made


@pytest.fixture
def clock() -> Clock:
    from tests.notify.workbench import Clock

    return Clock()


@pytest.fixture
def outbox(recorder: Recorder, clock: Clock) -> Iterator[Outbox]:
    """The worker's part that delivers, to be turned by hand."""
    from tests.notify.workbench import new_outbox

    made = new_outbox(clock)
    yield made
    made._senders.end()
