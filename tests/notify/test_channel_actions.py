"""What people do with channels and deliveries."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Workspace
from stagewise.notify import actions, queries, sealed, sending
from stagewise.notify import outbox as events
from stagewise.notify.channels import Outcome
from stagewise.notify.models import Channel, Delivery, DeliveryTry, Event
from stagewise.worker.outbox import Outbox
from tests.notify.workbench import (
    DAY,
    NOON,
    OK,
    REFUSED,
    Clock,
    Recorder,
    add_channel,
    add_lead,
    history,
    states,
    work_off,
)
from tests.support import cast

pytestmark = pytest.mark.django_db(transaction=True)


def problems(error: pytest.ExceptionInfo[ActionError]) -> dict[str, list[str]]:
    return error.value.problems


# Channels


def test_a_new_channel_shows_its_secret_once_and_keeps_it_sealed(workspace: Workspace, recorder: Recorder) -> None:
    channel, secret = actions.add_channel(workspace, "recorder", "  Sink ", "there", options={"a": "b"}, actor="olga")
    channel.refresh_from_db()
    assert secret == "secret 1"
    assert secret not in channel.secret
    assert sealed.open_sealed(channel.secret) == secret
    assert (channel.name, channel.target, channel.options) == ("Sink", "there", {"a": "b"})
    assert channel.events == ["lead.created"]
    assert "secret" not in queries.as_dict(channel)
    entry = AuditEntry.objects.get(action="channel.added")
    assert entry.actor == "olga"
    assert secret not in str(entry.changes)


def test_all_mistakes_are_told_at_once(workspace: Workspace, recorder: Recorder) -> None:
    def check(target: str, options: dict[str, Any], /) -> Any:
        raise ActionError({"target": ["No."]})

    recorder.check = check  # type: ignore[method-assign]
    with pytest.raises(ActionError) as error:
        actions.add_channel(workspace, "recorder", " ", "x", events=["lead.created", "lead.eaten"])
    assert set(problems(error)) == {"name", "events", "target"}
    assert "lead.eaten" in problems(error)["events"][0]
    assert not Channel.objects.exists()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"events": []}, "events"),
        ({"events": ["test"]}, "events"),
        ({"name": "a\nb"}, "name"),
    ],
)
def test_what_cannot_be_used_is_refused_beside_its_field(
    workspace: Workspace, recorder: Recorder, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ActionError) as error:
        actions.add_channel(workspace, **{"kind": "recorder", "name": "Sink", "target": "there", **change})
    assert set(problems(error)) == {field}


def test_two_channels_of_a_workspace_have_different_names(workspace: Workspace, recorder: Recorder) -> None:
    actions.add_channel(workspace, "recorder", "Sink", "there")
    with pytest.raises(ActionError) as error:
        actions.add_channel(workspace, "recorder", "Sink", "there")
    assert set(problems(error)) == {"name"}
    actions.add_channel(cast.place("Next door", "next-door").workspace, "recorder", "Sink", "there")
    second, _ = actions.add_channel(workspace, "recorder", "Second", "there")
    with pytest.raises(ActionError):
        actions.update(second, name="Sink")


def test_a_change_keeps_what_was_not_given(workspace: Workspace, recorder: Recorder) -> None:
    channel, secret = actions.add_channel(workspace, "recorder", "Sink", "there", options={"a": "b"})
    changed = actions.update(channel, target="elsewhere", events=["lead.deleted", "lead.created"], actor="olga")
    assert (changed.target, changed.options, changed.name) == ("elsewhere", {"a": "b"}, "Sink")
    assert changed.events == ["lead.created", "lead.deleted"]
    assert sealed.open_sealed(changed.secret) == secret
    assert AuditEntry.objects.get(action="channel.changed").changes["target"] == ["there", "elsewhere"]
    actions.update(changed, target="elsewhere")
    assert AuditEntry.objects.filter(action="channel.changed").count() == 1


def test_a_rotated_secret_counts_beside_the_new_one_for_a_day(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    channel, first = actions.add_channel(workspace, "recorder", "Sink", "there")
    second = actions.rotate_secret(channel)
    channel.refresh_from_db()
    assert channel.old_secret_until is not None
    during, after = (sending.opened(channel, channel.old_secret_until + ms) for ms in (-1, 0))
    assert (during.secret, during.old_secret) == (second, first)
    assert (after.secret, after.old_secret) == (second, None)


def test_a_channel_that_is_switched_off_is_told_nothing_new(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    channel = add_channel(workspace)
    actions.update(channel, enabled=False)
    add_lead(workspace)
    work_off(outbox)
    assert recorder.got == []
    assert not Delivery.objects.exists()


def test_a_channel_that_somebody_paused_keeps_what_comes(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    channel = add_channel(workspace)
    actions.pause(channel, "olga")
    actions.pause(channel, "adam")
    add_lead(workspace)
    work_off(outbox)
    assert (recorder.got, states()) == ([], {"waiting": 1})
    actions.resume(channel, "olga")
    work_off(outbox)
    assert states() == {"done": 1}
    audit = AuditEntry.objects.filter(action__startswith="channel.").order_by("id")
    assert list(audit.values_list("action", "actor")) == [
        ("channel.paused", "olga"),
        ("channel.resumed", "olga"),
    ]


def test_a_removed_channel_takes_its_deliveries_along(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    channel, other = add_channel(workspace), add_channel(workspace, "Other")
    add_lead(workspace)
    work_off(outbox)
    actions.remove_channel(channel, "olga")
    assert list(queries.of_workspace(workspace)) == [other]
    assert [each.channel_id for each in Delivery.objects.all()] == [other.pk]
    assert DeliveryTry.objects.count() == 1
    actions.remove_channel(channel)
    assert AuditEntry.objects.filter(action="channel.removed").count() == 1


# Tests


def test_a_test_event_is_sent_at_once_and_kept_among_the_deliveries(workspace: Workspace, recorder: Recorder) -> None:
    channel = add_channel(workspace, paused_at=NOON)
    tried = actions.send_test(channel, "olga")
    [(name, payload)] = recorder.got
    delivery = queries.page(workspace).deliveries[0]
    assert (name, payload["type"], payload["id"]) == ("Sink", "test", str(delivery.public_id))
    assert "test" in payload["data"]["message"]
    assert tried.outcome == OK
    assert (delivery.state, delivery.tries, history(delivery)) == ("done", 1, [(200, "")])
    assert Event.objects.get().dispatched_at is not None


def test_a_test_that_fails_is_not_tried_again(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    channel = add_channel(workspace)
    recorder.answer = lambda name, payload: Outcome(410, "The receiver answered 410.", gone=True)
    assert actions.send_test(channel).outcome.problem
    work_off(outbox)
    assert len(recorder.got) == 1
    assert states() == {"failed": 1}
    channel.refresh_from_db()
    assert (channel.paused_at, channel.failing_since) == (None, None)


def test_what_is_not_saved_yet_can_be_tried_out(workspace: Workspace, recorder: Recorder) -> None:
    assert actions.try_out(workspace, "recorder", "there").outcome == OK
    assert recorder.opened[0].secret == "secret 1"
    assert not Event.objects.exists()
    assert not Delivery.objects.exists()
    with pytest.raises(ActionError):
        actions.try_out(workspace, "pigeon", "there")


# Deliveries


def test_a_delivery_is_sent_again_under_its_id(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    add_channel(workspace)
    add_lead(workspace)
    work_off(outbox)
    delivery = Delivery.objects.get()
    actions.resend(delivery, "olga")
    work_off(outbox)
    assert len(recorder.got) == 2
    assert len(set(recorder.ids())) == 1
    assert history(delivery) == [(200, "")] * 2
    assert AuditEntry.objects.get(action="delivery.resent").actor == "olga"


def test_a_delivery_that_waits_is_tried_now(
    workspace: Workspace, recorder: Recorder, outbox: Outbox, clock: Clock
) -> None:
    add_channel(workspace)
    add_lead(workspace)
    recorder.answer = lambda name, payload: REFUSED
    work_off(outbox)
    clock.now += 60_000
    work_off(outbox)
    actions.resend(Delivery.objects.get())
    work_off(outbox)
    assert len(recorder.got) == 3
    assert Delivery.objects.get().tries == 3


def test_what_failed_in_a_time_is_sent_again_and_nothing_else(
    workspace: Workspace, recorder: Recorder, outbox: Outbox
) -> None:
    channel, other = add_channel(workspace), add_channel(workspace, "Other")
    recorder.answer = lambda name, payload: Outcome(500, "no", final=True)
    for _ in range(4):
        add_lead(workspace)
    work_off(outbox)
    early, late, *_ = Delivery.objects.filter(channel=channel).order_by("id")
    Delivery.objects.filter(pk=early.pk).update(at=NOON - DAY)
    Delivery.objects.filter(pk=late.pk).update(at=NOON + 1)
    recorder.answer = lambda name, payload: OK
    assert actions.resend_range(channel, NOON, NOON + 1, actor="olga") == 2
    work_off(outbox)
    assert states(channel) == {"failed": 2, "done": 2}
    assert states(other) == {"failed": 4}
    assert actions.resend_range(channel, NOON - DAY, NOON + DAY) == 2
    work_off(outbox)
    assert actions.resend_range(channel, NOON - DAY, NOON + DAY) == 0
    assert actions.resend_range(channel, NOON, NOON + DAY, only_failed=False) == 3
    assert AuditEntry.objects.filter(action="deliveries.resent").first().changes == {"count": [None, 2]}  # type: ignore[union-attr]


# Reading


def test_deliveries_are_read_in_pages_newest_first(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    channel, other = add_channel(workspace), add_channel(workspace, "Other")
    add_channel(cast.place("Next door", "next-door").workspace, "Theirs")
    for _ in range(3):
        add_lead(workspace)
    recorder.answer = lambda name, payload: REFUSED if name == "Other" else OK
    work_off(outbox)
    first = queries.page(workspace, size=4)
    second = queries.page(workspace, before=first.next_before, size=4)
    seen = [each.pk for page in (first, second) for each in page.deliveries]
    assert seen == sorted(Delivery.objects.values_list("pk", flat=True), reverse=True)
    assert second.next_before is None
    assert {
        each.channel for each in queries.page(workspace, other, state="waiting", kind="lead.created").deliveries
    } == {other}
    assert queries.page(workspace, channel, state="failed").deliveries == []
    assert queries.counts(workspace) == {other.pk: queries.Counts(waiting=3)}


def test_nobody_reads_what_is_next_door(workspace: Workspace, recorder: Recorder, outbox: Outbox) -> None:
    channel = add_channel(workspace)
    add_lead(workspace)
    work_off(outbox)
    stranger = cast.place("Next door", "next-door").workspace
    assert queries.page(stranger).deliveries == []
    assert queries.counts(stranger) == {}
    with pytest.raises(Channel.DoesNotExist):
        queries.get(stranger, channel.pk)
    with pytest.raises(Delivery.DoesNotExist):
        queries.delivery(stranger, Delivery.objects.get().pk)


def test_every_event_can_be_asked_for(workspace: Workspace, recorder: Recorder) -> None:
    channel, _ = actions.add_channel(workspace, "recorder", "All", "there", events=list(events.KINDS))
    assert channel.events == list(events.KINDS)
