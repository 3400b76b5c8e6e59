"""What the tests of deliveries work with: a kind of channel that does as it is told, a clock, a worker's outbox."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from stagewise.accounts.models import Workspace
from stagewise.core.ids import uuid7
from stagewise.leads.models import Lead
from stagewise.notify import outbox as events
from stagewise.notify.channels import Checked, OpenChannel, Outcome
from stagewise.notify.models import Channel, Delivery, DeliveryTry, Event
from stagewise.worker.outbox import Outbox

#: A moment to come: what is done by the real clock lies before it.
NOON = 1_900_000_000_000
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000

OK = Outcome(200)
REFUSED = Outcome(500, "The receiver answered 500.", "no")

#: What a receiver says to (name of the channel, payload).
Answer = Callable[[str, dict[str, Any]], Outcome]


class Recorder:
    """A kind of channel whose receiver writes down what it gets and answers as the test wants."""

    name = "recorder"
    label = "Recorder"
    needs_secret = True

    def __init__(self) -> None:
        self.answer: Answer = lambda channel, payload: OK
        #: (name of the channel, payload), in their order.
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.opened: list[OpenChannel] = []
        self._made = 0
        self._lock = threading.Lock()

    def check(self, target: str, options: dict[str, Any], /) -> Checked:
        self._made += 1
        return Checked(target, options, f"secret {self._made}")

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any], /) -> Outcome:
        with self._lock:
            self.got.append((channel.name, payload))
            self.opened.append(channel)
        return self.answer(channel.name, payload)

    def ids(self, channel: str | None = None) -> list[str]:
        """The ids that came, or that came to this channel."""
        return [payload["id"] for name, payload in self.got if channel in (None, name)]

    def doubles(self) -> dict[str, int]:
        """Ids that came more than once to a channel."""
        return {key[1]: n for key, n in Counter((name, got["id"]) for name, got in self.got).items() if n > 1}


class Clock:
    """The database's clock, in the test's hand."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def add_channel(
    workspace: Workspace, name: str = "Sink", kinds: Iterable[str] = (events.CREATED,), **more: Any
) -> Channel:
    return Channel.objects.create(
        workspace=workspace, kind="recorder", name=name, target="there", events=list(kinds), created_at=NOON, **more
    )


def add_lead(workspace: Workspace, **fields: Any) -> Lead:
    """A lead with the event that came with it, as the lane writes both."""
    kind = workspace.lead_types.all()[0]
    values = {"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com", **fields}
    lead = Lead.objects.create(
        workspace=workspace,
        public_id=uuid7(NOON),
        lead_type=kind,
        stage=kind.stages.all()[0],
        created_at=NOON,
        **values,
    )
    add_event(workspace, lead.pk)
    return lead


def add_event(workspace: Workspace, lead_id: int | None, kind: str = events.CREATED, **more: Any) -> Event:
    return Event.objects.create(
        workspace_id=workspace.pk, public_id=uuid.uuid4(), kind=kind, lead_id=lead_id, at=NOON, **more
    )


def new_outbox(clock: Callable[[], int]) -> Outbox:
    return Outbox(threading.Event(), lambda job, count: None, clock, idle_s=0.01)


def work_off(outbox: Outbox) -> None:
    """Go round until nothing is due any more."""
    still = 0
    for _ in range(5_000):
        moved = outbox.turn()
        held = outbox._senders.busy or any(not line.is_done for line in outbox._lines.values())
        still = 0 if moved or held else still + 1
        if still == 3:
            return
    raise AssertionError("it never comes to an end")


def turn_until(outbox: Outbox, reached: Callable[[], bool]) -> None:
    """Go round until that is so."""
    for _ in range(5_000):
        if reached():
            return
        outbox.turn()
    raise AssertionError("it never came to that")


def states(channel: Channel | None = None) -> Counter[str]:
    found = Delivery.objects.all() if channel is None else Delivery.objects.filter(channel=channel)
    return Counter(found.values_list("state", flat=True))


def history(delivery: Delivery) -> list[tuple[int | None, str]]:
    return list(DeliveryTry.objects.filter(delivery=delivery).order_by("id").values_list("status", "problem"))
