"""Alerts about channels, queues and disks; snoozing, figures, history."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.checks import ENOUGH_SPACE
from stagewise.endpoints.models import LaneMinute
from stagewise.leads.models import HeldLead
from stagewise.notify import actions as channels
from stagewise.notify import delivering
from stagewise.notify.alerts import actions, queries, raising, rules
from stagewise.notify.alerts.watching import Watcher
from stagewise.notify.models import Alert, Channel, Event, Watch
from tests.notify.alerts.lab import Lab, only, set_free
from tests.notify.workbench import DAY, HOUR, MINUTE, NOON, Recorder, add_channel, add_event

pytestmark = pytest.mark.django_db

#: The beginning of a minute, and of an hour.
NOW = NOON // HOUR * HOUR + 30 * MINUTE


def test_a_channel_that_fails_is_told_of_and_so_is_one_that_was_paused_for_it(lab: Lab, recorder: Recorder) -> None:
    channel = add_channel(lab.workspace, failing_since=NOW - 20 * MINUTE)
    assert lab.look() == []
    assert lab.look(10 * MINUTE) == ["channel_failing"]
    assert only("channel_failing").channel == channel
    Channel.objects.update(paused_at=NOW, paused_because=delivering.WHY_FAILING)
    assert lab.look(MINUTE) == ["channel_paused"]
    channels.resume(channel)
    assert lab.look(MINUTE) == []


def test_a_channel_that_somebody_paused_needs_no_look(lab: Lab, recorder: Recorder) -> None:
    channels.pause(add_channel(lab.workspace, failing_since=NOW - DAY))
    assert lab.look() == []


def test_events_and_deliveries_that_wait_are_told(lab: Lab, recorder: Recorder) -> None:
    from stagewise.notify.dispatching import dispatch
    from stagewise.notify.models import Delivery

    add_channel(lab.workspace)
    add_event(lab.workspace, None)
    Event.objects.update(at=NOW)
    assert lab.look() == []
    assert lab.look(11 * MINUTE) == ["queue"]
    dispatch(10)
    Delivery.objects.update(next_at=lab.clock.now)
    assert lab.look() == []
    assert lab.look(11 * MINUTE) == ["queue"]
    assert only_open("queue").subject == "deliveries"
    Channel.objects.update(paused_at=NOW)
    assert lab.look() == []


def only_open(kind: str) -> Alert:
    return Alert.objects.get(kind=kind, resolved_at=None)


def test_intake_with_a_long_queue_is_told(lab: Lab) -> None:
    LaneMinute.objects.create(process=1, minute=NOW - MINUTE, calls=9, waiting=2_000, times=[])
    assert lab.look() == ["queue"]
    assert lab.look(HOUR) == []


def test_many_held_leads_are_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stagewise.notify.alerts.detect_house.MOST_WAITING", 5)
    kind = lab.workspace.lead_types.all()[0]
    for number in range(4):
        HeldLead.objects.create(
            workspace=lab.workspace, public_id=f"00000000-0000-7000-8000-00000000000{number}", endpoint=lab.endpoint,
            lead_type=kind, name="a", phone="b", email="c", at=NOW, address="192.0.2.1", request_id="0", reasons="",
        )  # fmt: skip
    assert lab.look() == ["held_full"]


def test_every_machine_tells_of_its_own_disk(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    set_free(monkeypatch, ENOUGH_SPACE // 2)
    assert lab.look() == ["disk"]
    assert "512 of 10,240 MiB are free where here keeps its data." in raising.words_of(only("disk")).text
    set_free(monkeypatch, 2 * ENOUGH_SPACE)
    Watcher(lab.folder, lab.clock, "there").turn()
    assert only("disk").resolved_at is None
    assert lab.look() == []


def test_a_damaged_database_is_told_of_until_it_was_found_sound(lab: Lab) -> None:
    known: list[str | None] = [None]
    lab.watcher = Watcher(lab.folder, lab.clock, "here", lambda: known[0])
    assert lab.look() == []
    known[0] = "Page 7: never used"
    assert lab.look() == ["damaged"]
    assert "on here was read through and is damaged: Page 7: never used" in raising.words_of(only("damaged")).text
    known[0] = None  # a worker that has just been started has not read it yet
    assert lab.look() == ["damaged"]
    known[0] = ""
    assert lab.look() == []


def test_damage_is_told_of_even_when_nothing_else_can_be_read(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise DatabaseError("database disk image is malformed")

    monkeypatch.setattr("stagewise.notify.alerts.reading.recent", unreadable)
    lab.watcher = Watcher(lab.folder, lab.clock, "here", lambda: "Page 7: never used")
    with pytest.raises(DatabaseError):
        lab.look()
    assert only("damaged").resolved_at is None


def test_the_installation_is_told_of_to_those_who_look_after_it(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    from stagewise.accounts.actions import create_workspace

    create_workspace("Next door", "next-door")
    set_free(monkeypatch, 0)
    lab.look()
    assert [alert.workspace for alert in Alert.objects.all()] == [lab.workspace]


# Snoozing


def test_a_snoozed_alert_tells_nobody_and_comes_back_when_it_is_still_so(lab: Lab) -> None:
    lab.count("created")
    actions.set_watch(lab.endpoint, {"no_lead_hours": 2})
    lab.look(3 * HOUR)
    alert = only("no_leads")
    Alert.objects.filter(pk=alert.pk).update(snoozed_until=lab.clock.now + HOUR)
    assert lab.look(30 * MINUTE) == ["no_leads"]
    assert queries.needing_a_look(lab.workspace, lab.clock.now).count() == 0
    assert lab.told() == ["alert.raised"]
    assert lab.look(HOUR) == ["no_leads"]
    assert lab.told() == ["alert.raised", "alert.raised"]
    assert lab.look(HOUR) == ["no_leads"]
    assert lab.told() == ["alert.raised", "alert.raised"]


def test_what_comes_back_while_it_is_snoozed_tells_nobody(lab: Lab) -> None:
    lab.count("ip_not_allowed", 30)
    lab.look()
    Alert.objects.update(snoozed_until=lab.clock.now + DAY)
    assert lab.look(HOUR) == []
    lab.count("ip_not_allowed", 30)
    assert lab.look() == ["refusals"]
    assert lab.told() == ["alert.raised"]


def test_snoozing_is_written_down_and_can_be_ended(lab: Lab) -> None:
    lab.count("ip_not_allowed", 30)
    lab.look()
    snoozed = actions.snooze(only("refusals"), 8, "olga@example.com")
    assert snoozed.snoozed_until is not None
    assert actions.snooze(snoozed, 0).snoozed_until is None
    assert AuditEntry.objects.filter(action="alert.snoozed").count() == 2
    with pytest.raises(ActionError, match="720 hours"):
        actions.snooze(snoozed, 721)


# Figures


def test_only_what_differs_from_the_usual_figures_is_kept(lab: Lab) -> None:
    actions.set_watch(lab.endpoint, {"refusals": 50, "no_lead_hours": 168})
    assert Watch.objects.get().alerts == {"refusals": 50}
    actions.set_watch(lab.endpoint, {"refusals": 20})
    assert Watch.objects.get().alerts == {}
    entry = AuditEntry.objects.filter(action="endpoint.watch_saved").latest("id")
    assert entry.changes == {"refusals": [50, 20]}


def test_a_document_that_this_version_cannot_read_counts_as_empty() -> None:
    assert rules.rules_of({"brand_new": 1}) == rules.AlertRules()


@pytest.mark.parametrize(
    ("figures", "canary", "fields"),
    [
        ({"no_lead_hours": 0}, None, {"no_lead_hours"}),
        ({"refusals": 1, "one_address": 101}, 4, {"refusals", "one_address", "canary_minutes"}),
        ({"refusals_factor": None}, None, {"refusals_factor"}),
        ({"usual_silence": 1, "from_calls": True}, None, {"usual_silence", "from_calls"}),
        ({"nonsense": 1}, 1441, {"nonsense", "canary_minutes"}),
    ],
)
def test_figures_that_make_no_sense_are_refused_beside_their_field(
    lab: Lab, figures: dict[str, Any], canary: int | None, fields: set[str]
) -> None:
    with pytest.raises(ActionError) as error:
        actions.set_watch(lab.endpoint, figures, canary)
    assert set(error.value.problems) == fields
    assert not Watch.objects.exists()


def test_a_page_of_the_history_leads_to_the_next(lab: Lab) -> None:
    for number in range(5):
        found = raising.Found("refusals", f"endpoint:{number}", {"rule": "all", "refused": 5, "by_code": {}})
        raising.raise_alert(lab.workspace, found, NOW)
    newest, before = queries.page(lab.workspace, size=3)
    older, end = queries.page(lab.workspace, before, size=3)
    assert [alert.subject[-1] for alert in newest + older] == list("43210")
    assert end is None
