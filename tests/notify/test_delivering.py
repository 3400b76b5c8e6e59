"""What the worker sends when, and what becomes of it: with a clock in hand, and a receiver that does as it is told."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from stagewise.accounts.models import Workspace
from stagewise.leads import queries as lead_queries
from stagewise.leads import working
from stagewise.notify import outbox as events
from stagewise.notify import schedule
from stagewise.notify.channels import Outcome
from stagewise.notify.models import Delivery, DeliveryTry
from stagewise.notify.schedule import DELAYS_S
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import (
    DAY,
    HOUR,
    MINUTE,
    NOON,
    OK,
    REFUSED,
    Clock,
    Recorder,
    add_channel,
    add_event,
    add_lead,
    history,
    states,
    turn_until,
    work_off,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "JITTER", 0)


# What arrives


def test_a_lead_is_told_as_the_answer_told_it(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    add_channel(workspace)
    lead = add_lead(workspace, message="Hello")
    work_off(outbox)
    [(_, payload)] = recorder.got
    event = Delivery.objects.get()
    assert payload == {
        "type": "lead.created",
        "id": str(event.public_id),
        "timestamp": "2030-03-17T17:46:40.000Z",
        "data": {
            "id": str(lead.public_id),
            "name": "Ada",
            "phone": "+44 20 7946 0958",
            "phone_e164": "+442079460958",
            "email": "ada@example.com",
            "message": "Hello",
            "lead_type": {"name": "General"},
            "test": False,
            "created_at": "2030-03-17T17:46:40.000Z",
            "stage": "New",
            "endpoint": None,
            "owner": None,
            "tags": [],
        },
    }
    assert (event.state, event.tries, event.settled_at) == ("done", 1, NOON)
    assert history(event) == [(200, "")]


def test_a_second_try_says_the_same_as_the_first(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace)
    recorder.answer = lambda channel, payload: REFUSED if len(recorder.got) == 1 else OK
    lead = add_lead(workspace)
    work_off(outbox)
    working.set_stage(lead, lead.lead_type.stages.get(name="Won"))
    clock.now += 6_000
    work_off(outbox)
    assert recorder.got[0] == recorder.got[1]
    assert states() == {"done": 1}


def test_of_a_deleted_lead_only_the_id_is_told(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace, kinds=[events.CREATED, events.DELETED])
    recorder.answer = lambda channel, payload: REFUSED if len(recorder.got) == 1 else OK
    lead = add_lead(workspace)
    work_off(outbox)
    working.delete_lead(lead)
    clock.now += 6_000
    work_off(outbox)
    gone = {"id": str(lead.public_id), "deleted": True}
    assert [(payload["type"], payload["data"]) for _, payload in recorder.got[1:]] == [
        ("lead.created", gone),
        ("lead.deleted", gone),
    ]


def test_events_without_a_lead_carry_what_was_written_with_them(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace, kinds=[events.ALERT_RAISED])
    add_event(workspace, None, events.ALERT_RAISED, data={"alert": "no_leads"})
    work_off(outbox)
    assert recorder.got[0][1]["data"] == {"alert": "no_leads"}


# The schedule


def test_a_delivery_is_tried_ten_times_in_seventy_six_hours_and_has_then_failed(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace)
    add_lead(workspace)
    at: list[int] = []
    recorder.answer = lambda channel, payload: at.append(clock.now) or REFUSED  # type: ignore[func-returns-value]
    for delay in (*DELAYS_S, 10 * DAY // 1_000):
        work_off(outbox)
        clock.now += delay * 1_000 - 1
        work_off(outbox)
        clock.now += 1
    work_off(outbox)
    assert [later - earlier for earlier, later in itertools.pairwise(at)] == [s * 1_000 for s in DELAYS_S]
    assert at[-1] - at[0] == 75 * HOUR + 35 * MINUTE + 5_000
    [delivery] = Delivery.objects.all()
    assert (delivery.state, delivery.tries, delivery.settled_at) == ("failed", 10, at[-1])
    assert history(delivery) == [(500, "The receiver answered 500.")] * 10
    assert len(set(recorder.ids())) == 1


@pytest.mark.parametrize(
    ("outcome", "state", "wait_s"),
    [
        (Outcome(200), "done", None),
        (Outcome(301, "moved"), "waiting", 5),
        (Outcome(400, "no"), "waiting", 5),
        (Outcome(401, "no"), "waiting", 5),
        (Outcome(404, "no"), "waiting", 5),
        (Outcome(429, "slow down", retry_after_s=3_600), "waiting", 3_600),
        (Outcome(503, "later", retry_after_s=60), "waiting", 60),
        (Outcome(503, "later", retry_after_s=10**8), "waiting", 24 * 3_600),
        (Outcome(None, "no answer"), "waiting", 5),
        (Outcome(550, "no such mailbox", final=True), "failed", None),
        (Outcome(410, "gone", gone=True), "waiting", 5),
    ],
    ids=lambda value: f"{value.status}" if isinstance(value, Outcome) else None,
)
def test_an_answer_decides_what_comes_next(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, outcome: Outcome, state: str, wait_s: int | None
) -> None:
    add_channel(workspace)
    add_lead(workspace)
    recorder.answer = lambda channel, payload: outcome
    work_off(outbox)
    delivery = Delivery.objects.get()
    assert delivery.state == state
    assert len(recorder.got) == delivery.tries == 1
    if wait_s is not None:
        assert delivery.next_at - NOON == wait_s * 1_000


def test_answers_are_kept_cut_and_without_what_no_database_takes(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace)
    add_lead(workspace)
    recorder.answer = lambda channel, payload: Outcome(500, "p\0" * 900, "a\0" * 2_000)
    work_off(outbox)
    kept = DeliveryTry.objects.get()
    assert (kept.problem, kept.answer) == ("p" * 500, "a" * 1_000)


# Order, and neighbours


def test_deliveries_of_one_lead_come_in_their_order_however_often_the_first_fails(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace, kinds=[events.CREATED, events.STAGE_CHANGED])
    lead, other = add_lead(workspace), add_lead(workspace, name="Grace")
    for stage in ("Contacted", "Qualified", "Won"):
        working.set_stage(lead, lead.lead_type.stages.get(name=stage))
    working.set_stage(other, other.lead_type.stages.get(name="Lost"))
    failures = iter([REFUSED] * 3)
    recorder.answer = lambda name, payload: next(failures, OK) if payload["data"]["name"] == "Ada" else OK
    for delay in (0, *DELAYS_S[:4]):
        clock.now += delay * 1_000
        work_off(outbox)
    said = [(payload["data"]["name"], payload["data"]["stage"]) for _, payload in recorder.got]
    assert [stage for name, stage in said if name == "Ada"] == ["New"] * 4 + ["Contacted", "Qualified", "Won"]
    assert [stage for name, stage in said if name == "Grace"] == ["New", "Lost"]
    assert said.index(("Grace", "Lost")) < said.index(("Ada", "Contacted"))


def test_an_event_that_cannot_be_put_into_words_fails_alone(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = lead_queries.as_dict

    def poisoned(lead: Any) -> dict[str, Any]:
        if lead.name == "Poison":
            raise ValueError("a secret of this lead")
        return usual(lead)

    monkeypatch.setattr(lead_queries, "as_dict", poisoned)
    add_channel(workspace)
    add_lead(workspace, name="Poison")
    for _ in range(50):
        add_lead(workspace)
    work_off(outbox)
    assert states() == {"done": 50, "waiting": 1}
    for delay in DELAYS_S:
        clock.now += delay * 1_000
        work_off(outbox)
    assert states() == {"done": 50, "failed": 1}
    tries = history(Delivery.objects.get(state="failed"))
    assert len(tries) == 10
    assert "ValueError" in tries[0][1]
    assert "secret" not in tries[0][1]


def test_a_kind_that_breaks_is_a_failed_try(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    def broken(name: str, payload: dict[str, Any]) -> Outcome:
        raise RuntimeError("https://secret.example/hook")

    recorder.answer = broken
    add_channel(workspace)
    add_lead(workspace)
    work_off(outbox)
    [(status, problem)] = history(Delivery.objects.get())
    assert status is None
    assert "RuntimeError" in problem
    assert "secret" not in problem


def test_a_channel_whose_secret_cannot_be_opened_says_so_and_costs_others_nothing(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, fine = add_channel(workspace, "Closed", secret="sealed with another key"), add_channel(workspace, "Fine")

    def refuse(text: str) -> str:
        raise ValueError(text)

    monkeypatch.setattr("stagewise.notify.sealed.open_sealed", refuse)
    add_lead(workspace)
    work_off(outbox)
    assert states(fine) == {"done": 1}
    assert "secret key" in history(Delivery.objects.get(channel=closed))[0][1]


def test_a_receiver_that_hangs_keeps_nobody_else_waiting(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    released = threading.Event()
    slow, quick = add_channel(workspace, "Slow"), add_channel(workspace, "Quick")
    recorder.answer = lambda name, payload: OK if name == "Quick" or released.wait(20) else REFUSED
    for _ in range(40):
        add_lead(workspace)
    turn_until(outbox, lambda: states(quick) == {"done": 40})
    assert states(slow) == {"waiting": 40}
    released.set()
    work_off(outbox)
    assert states(slow) == {"done": 40}


def test_a_receiver_that_asks_for_a_pause_gets_nothing_at_all_meanwhile(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    add_channel(workspace)
    recorder.answer = lambda name, payload: Outcome(429, "Too many.", retry_after_s=30)
    for _ in range(20):
        add_lead(workspace)
    work_off(outbox)
    assert len(recorder.got) == 1
    assert not Delivery.objects.filter(lease_until__gt=0).exists()
