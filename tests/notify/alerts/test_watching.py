"""From rows to alerts and their events: raised once, resolved by itself, quiet while snoozed."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import actions as endpoints
from stagewise.endpoints.actions import RuleChanges
from stagewise.endpoints.models import AttemptCounter, Endpoint
from stagewise.notify import outbox
from stagewise.notify.alerts import actions, raising
from stagewise.notify.models import Alert, Event
from tests.notify.alerts.lab import Lab, only
from tests.notify.workbench import DAY, HOUR, MINUTE, NOON, Recorder, add_channel

pytestmark = pytest.mark.django_db

#: The beginning of a minute, and of an hour.
NOW = NOON // HOUR * HOUR + 30 * MINUTE


def test_an_installation_in_order_raises_nothing(lab: Lab) -> None:
    lab.count("created")
    lab.count("ip_not_allowed", 3)
    assert lab.look() == []
    assert lab.told() == []


def test_an_alert_is_raised_once_however_many_look_and_is_resolved_by_itself(lab: Lab) -> None:
    lab.count("ip_not_allowed", 30)
    assert lab.look() == ["refusals"]
    assert lab.look(MINUTE) == ["refusals"]
    assert lab.look(MINUTE, fresh=True) == ["refusals"]
    assert lab.told() == ["alert.raised"]
    assert lab.look(HOUR) == []
    assert lab.told() == ["alert.raised", "alert.resolved"]
    assert only("refusals").resolved_at == lab.clock.now
    lab.count("ip_not_allowed", 30)
    assert lab.look() == ["refusals"]
    assert Alert.objects.count() == 2


def test_two_workers_that_find_the_same_tell_once(lab: Lab) -> None:
    found = raising.Found("refusals", "endpoint:1", {"rule": "all", "refused": 5, "by_code": {}})
    assert raising.raise_alert(lab.workspace, found, NOW)
    assert not raising.raise_alert(lab.workspace, found, NOW)
    alert = only("refusals")
    assert raising.resolve(alert, NOW)
    assert not raising.resolve(alert, NOW)
    assert lab.told() == ["alert.raised", "alert.resolved"]


def test_the_event_says_what_was_seen_and_what_to_do(lab: Lab) -> None:
    lab.count("ip_not_allowed", 30)
    lab.look()
    data = Event.objects.get(kind=outbox.ALERT_RAISED).data
    assert data is not None
    assert data["title"] == "More calls are refused than usual: My website"
    assert "30 calls were refused" in data["text"]
    assert "not on the list of allowed IPs" in data["text"]
    assert data["advice"].startswith("Logs shows them")
    assert (data["endpoint"], data["channel"], data["resolved_at"]) == ("My website", None, None)
    assert data["figures"]["by_code"] == {"ip_not_allowed": 30}
    lab.look(HOUR)
    resolved = Event.objects.get(kind=outbox.ALERT_RESOLVED).data
    assert resolved is not None
    assert (resolved["id"], resolved["raised_at"]) == (data["id"], data["raised_at"])
    assert resolved["resolved_at"] > data["raised_at"]


def test_an_alert_goes_to_the_channels_that_list_it(lab: Lab, recorder: Recorder) -> None:
    from stagewise.notify.dispatching import dispatch
    from stagewise.notify.models import Delivery

    add_channel(lab.workspace, "alerts", [outbox.ALERT_RAISED, outbox.ALERT_RESOLVED])
    add_channel(lab.workspace, "leads")
    lab.count("ip_not_allowed", 30)
    lab.look()
    dispatch(10)
    assert [each.channel.name for each in Delivery.objects.select_related("channel")] == ["alerts"]


# No leads


def weeks_of_leads(lab: Lab) -> None:
    """Ten leads in each hour from 8 to 18, every day for three weeks, the older ones merged into hours."""
    start = (lab.clock.now - 21 * DAY) // DAY * DAY
    rows = []
    for day in range(22):
        for hour in range(8, 18):
            at = start + day * DAY + hour * HOUR
            if at >= lab.clock.now:
                continue
            minutes = [at] if day < 13 else [at + minute * MINUTE for minute in range(0, 60, 6)]
            rows += [
                AttemptCounter(
                    workspace_id=lab.workspace.pk, endpoint_id=lab.endpoint.pk, minute=minute, outcome="created",
                    process=int(day >= 13), count=10 // len(minutes), detailed=0,
                )
                for minute in minutes
            ]  # fmt: skip
    AttemptCounter.objects.bulk_create(rows)


def test_a_silence_is_noticed_by_what_was_learned_and_over_with_the_next_lead(lab: Lab) -> None:
    lab.clock.now = NOW // DAY * DAY + 12 * HOUR
    weeks_of_leads(lab)
    assert lab.look() == []
    assert lab.look(30 * MINUTE) == []
    assert lab.look(2 * HOUR) == ["no_leads"]
    assert only("no_leads").data["rule"] == "usual"
    assert "no silence of the past weeks was as long" in raising.words_of(only("no_leads")).text
    # It stays open over days, also for a worker that has just learned everything anew.
    assert lab.look(3 * DAY, fresh=True) == ["no_leads"]
    assert lab.look(60 * DAY, fresh=True) == ["no_leads"]
    assert lab.told() == ["alert.raised"]
    lab.count("created")
    assert lab.look() == []


def test_at_night_nobody_is_missed(lab: Lab) -> None:
    lab.clock.now = NOW // DAY * DAY + 18 * HOUR
    weeks_of_leads(lab)
    for _ in range(13):
        assert lab.look(HOUR) == []


def test_an_endpoint_that_never_had_a_lead_is_not_missed(lab: Lab) -> None:
    lab.count("ip_not_allowed")
    assert lab.look(30 * DAY) == []


def test_the_plain_rule_is_the_owners(lab: Lab) -> None:
    lab.count("created")
    actions.set_watch(lab.endpoint, {"no_lead_hours": 2})
    assert lab.look(HOUR) == []
    assert lab.look(HOUR) == ["no_leads"]
    assert "after 2 hours" in raising.words_of(only("no_leads")).text
    actions.set_watch(lab.endpoint, {"no_lead_hours": None})
    assert lab.look(MINUTE) == []


@pytest.mark.parametrize("outcome", ["test_created", "test", "replayed"])
def test_what_is_no_lead_of_a_visitor_ends_no_silence(lab: Lab, outcome: str) -> None:
    lab.count("created")
    actions.set_watch(lab.endpoint, {"no_lead_hours": 2})
    lab.clock.now += 2 * HOUR
    lab.count(outcome)
    assert lab.look() == ["no_leads"]


def test_an_endpoint_that_is_switched_off_is_not_watched(lab: Lab) -> None:
    lab.count("created")
    actions.set_watch(lab.endpoint, {"no_lead_hours": 2})
    assert lab.look(3 * HOUR) == ["no_leads"]
    Endpoint.objects.update(enabled=False)
    assert lab.look(MINUTE) == []


# Refusals


def test_tests_are_no_refusals(lab: Lab) -> None:
    lab.count("test", 100)
    lab.count("test_created", 100)
    assert lab.look() == []


def test_refusals_are_measured_by_what_is_usual(lab: Lab) -> None:
    for hour in range(2, 7 * 24):
        lab.count("ip_not_allowed", 200, ago=hour * HOUR)
    lab.count("ip_not_allowed", 100)
    assert lab.look() == []
    lab.count("ip_not_allowed", 200, process=2)
    assert lab.look() == ["refusals"]


def change(lab: Lab, at: int, **fields: Any) -> None:
    """Save settings at a moment, with a history before it in which all went well."""
    for hour in range(2, 48):
        lab.count("created", 5, ago=hour * HOUR)
    endpoints.save_rules(lab.endpoint, RuleChanges(**fields), "adam@example.com")
    AuditEntry.objects.filter(action="endpoint.saved").update(at=at)


def test_refusals_after_a_change_name_it_and_it_can_be_taken_back(lab: Lab) -> None:
    change(lab, NOW - 20 * MINUTE, allowed_ips=["203.0.113.5"], name="My website")
    lab.count("ip_not_allowed", 6, ago=10 * MINUTE)
    assert lab.look() == ["refused_after_change"]
    alert = only("refused_after_change")
    assert alert.data["change"]["fields"] == ["allowed_ips"]
    text = raising.words_of(alert).text
    assert "adam@example.com changed: allowed IPs." in text
    assert "100% of all; before it were 0%" in text
    saved = actions.revert(alert, "olga@example.com")
    assert saved.allowed_ips == ["127.0.0.1", "::1"]
    AuditEntry.objects.filter(actor="olga@example.com").update(at=NOW)
    assert lab.look(MINUTE) == []
    with pytest.raises(Conflict):
        actions.revert(alert)


def test_refusals_that_the_change_does_not_explain_are_not_blamed_on_it(lab: Lab) -> None:
    change(lab, NOW - 20 * MINUTE, allowed_ips=["203.0.113.5"])
    lab.count("missing_fields", 9, ago=10 * MINUTE)
    assert lab.look() == []


def test_a_change_is_over_when_its_refusals_are(lab: Lab) -> None:
    change(lab, NOW - 20 * MINUTE, max_leads_per_ip=1)
    lab.count("rate_limited", 6, ago=10 * MINUTE)
    assert lab.look() == ["refused_after_change"]
    assert lab.look(4 * HOUR) == []


def test_of_a_change_only_what_is_still_so_is_taken_back(lab: Lab) -> None:
    endpoints.save_rules(lab.endpoint, RuleChanges(holding={"max_links": 3, "words": ["casino"]}))
    change(lab, NOW - 20 * MINUTE, enabled=False, over_limit="hold", captcha={"provider": "altcha"})
    lab.count("endpoint_disabled", 6, ago=10 * MINUTE)
    assert lab.look() == ["refused_after_change"]
    endpoints.save_rules(lab.endpoint, RuleChanges(over_limit="refuse", name="Renamed"))
    saved = actions.revert(only("refused_after_change"))
    assert (saved.enabled, saved.over_limit, saved.captcha, saved.name) == (True, "refuse", {}, "Renamed")
    assert saved.holding == {"max_links": 3, "words": ["casino"]}


def test_what_names_no_change_cannot_be_taken_back(lab: Lab) -> None:
    lab.count("ip_not_allowed", 30)
    lab.look()
    with pytest.raises(ActionError, match="by hand"):
        actions.revert(only("refusals"))


# Who calls


def test_one_address_that_makes_most_calls_is_told(lab: Lab) -> None:
    lab.call("created", "203.0.113.9", 95)
    lab.call("created", "203.0.113.10", 10)
    assert lab.look() == ["one_address"]
    words = raising.words_of(only("one_address"))
    assert words.text == "203.0.113.9 made 95 of the 105 calls of an hour (90%)."
    assert lab.look(2 * HOUR) == []


def test_the_websites_own_server_and_page_may_make_all_calls(lab: Lab) -> None:
    Endpoint.objects.update(allowed_ips=["203.0.113.0/24"], allowed_origins=["https://yoursite.com"])
    lab.call("created", "203.0.113.9", 150, origin="https://yoursite.com")
    assert lab.look() == []


def test_one_origin_that_nobody_listed_is_told(lab: Lab) -> None:
    for number in range(100):
        lab.call("created", f"198.51.100.{number}", 1, origin="https://copy.example")
    assert lab.look() == ["one_origin"]


def test_many_addresses_over_the_limit_are_told(lab: Lab) -> None:
    for number in range(9):
        lab.call("rate_limited", f"198.51.100.{number}", 2)
    assert lab.look() == []
    lab.call("rate_limited", "198.51.100.9")
    assert lab.look() == ["limit_reached"]


# The installation
