"""Alerts: what needs a look, being quiet about it, taking a change back, and the figures of an endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry, User
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.notify.models import Alert, Watch
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, alert, channel

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/alerts/"
HOUR = 3_600_000


@pytest.fixture
def olga(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.olga)


@pytest.fixture
def vera(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.vera)


def one_address(cast: Cast, **fields: Any) -> Alert:
    data = {"value": "198.51.100.7", "calls": 190, "of": 210, "percent": 90}
    return alert(cast.acme, "one_address", data=data, **fields)


def test_when_all_is_well_no_page_speaks_of_alerts(cast: Cast, vera: Client) -> None:
    assert "Nothing needs a look" in read(vera, PAGE).text
    for path in (PAGE, "/w/acme/leads/"):
        html = read(vera, path).html
        assert "badge warn" not in html
        assert "notice calm" not in html


def test_an_open_alert_is_on_every_page_in_one_line(cast: Cast, vera: Client) -> None:
    alert(cast.acme)
    one_address(cast)
    for path in ("/w/acme/leads/", "/w/acme/monitoring/", "/w/acme/settings/"):
        page = read(vera, path)
        assert "Most calls come from one address: My website and 1 more" in page.text
        assert re.search(r'<span class="badge warn"[^>]*>2</span>', page.html)
        assert "2 need a look" in page.text


def test_an_alert_says_what_was_seen_and_what_to_do(cast: Cast, vera: Client) -> None:
    alert(cast.acme)
    page = read(vera, PAGE)
    assert "1 needs a look" in page.text
    assert "No leads are coming in: My website since just now" in page.text
    assert "You asked to be told after 168 hours without one." in page.text
    assert "Send the form of your website yourself" in page.text
    assert f"/w/acme/logs/?endpoint={cast.acme.endpoint.pk}" in page.html


@pytest.mark.parametrize(
    ("kind", "data", "link"),
    [
        ("refusals", {"rule": "all", "refused": 12, "by_code": {}}, "logs/?endpoint={}&amp;outcome=refused"),
        ("limit_reached", {"addresses": 12}, "logs/?endpoint={}&amp;outcome=rate_limited"),
        ("held_full", {"waiting": 900, "room": 1000}, "leads/held/"),
        ("one_origin", {"value": "https://x.example", "calls": 9, "of": 9, "percent": 100}, "monitoring/?endpoint={}"),
        ("canary", {"problem": "It was refused."}, "logs/?endpoint={}"),
    ],
)  # fmt: skip
def test_an_alert_leads_to_where_one_sees_it(
    cast: Cast, vera: Client, kind: str, data: dict[str, Any], link: str
) -> None:
    alert(cast.acme, kind, data=data)
    assert f'href="/w/acme/{link.format(cast.acme.endpoint.pk)}"' in read(vera, PAGE).html


def test_a_channels_alert_leads_to_the_channel(cast: Cast, vera: Client) -> None:
    made = channel(cast.acme)
    fields = {"endpoint": None, "channel": made, "data": {"since": now_ms() - HOUR}}
    alert(cast.acme, "channel_failing", subject=f"channel:{made.pk}", **fields)
    page = read(vera, PAGE)
    assert "A channel fails: Sales team" in page.text
    assert f'href="/w/acme/channels/{made.pk}/"' in page.html


def test_the_disks_alert_leads_nowhere(cast: Cast, vera: Client) -> None:
    data = {"free_mib": 10, "total_mib": 1000, "host": "here"}
    alert(cast.acme, "disk", endpoint=None, subject="here", data=data)
    assert "10 of 1,000 MiB are free" in read(vera, PAGE).text


def test_what_is_resolved_is_history(cast: Cast, vera: Client) -> None:
    now = now_ms()
    for number in range(31):
        one_address(cast, subject=str(number), raised_at=now - 3 * HOUR, resolved_at=now - 2 * HOUR)
    page = read(vera, PAGE)
    assert "Nothing needs a look" in page.text
    assert page.text.count("In order again 2 hours ago") == 30
    older = page.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
    assert read(vera, PAGE + older).text.count("In order again") == 1


def test_a_snoozed_alert_is_quiet_and_can_be_told_again(cast: Cast, olga: Client) -> None:
    made = alert(cast.acme)
    page = send(olga, f"{PAGE}{made.pk}/snooze/", hours="8")
    assert "Snoozed for 8 hours." in page.text
    assert "Undo" in page.text
    assert "snoozed, told again in 7 hours" in page.text or "in 8 hours" in page.text
    assert "badge warn" not in read(olga, "/w/acme/leads/").html
    send(olga, f"{PAGE}{made.pk}/snooze/", hours="0")
    made.refresh_from_db()
    assert made.snoozed_until is None
    assert "badge warn" in read(olga, "/w/acme/leads/").html


@pytest.mark.parametrize("hours", ["", "-1", "9999999", "1e9", "nan"])
def test_a_snooze_that_is_not_offered_changes_nothing(cast: Cast, olga: Client, hours: str) -> None:
    made = alert(cast.acme)
    assert "Choose how long" in send(olga, f"{PAGE}{made.pk}/snooze/", hours=hours).text
    made.refresh_from_db()
    assert made.snoozed_until is None


def changed(cast: Cast, changes: RuleChanges) -> Alert:
    """Adam changes something, and an alert tells of it."""
    save_rules(Endpoint.objects.get(pk=cast.acme.endpoint.pk), changes, "adam@example.com")
    entry = AuditEntry.objects.filter(action="endpoint.saved").latest("id")
    change = {"audit_id": entry.pk, "at": entry.at, "by": entry.actor, "fields": sorted(entry.changes)}
    figures = {"refused": 12, "percent": 90, "percent_before": 3, "by_code": {"rate_limited": 12}}
    return alert(cast.acme, "refused_after_change", subject=f"x:{entry.pk}", data={**figures, "change": change})


def now(cast: Cast) -> Endpoint:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk)


def test_a_change_is_taken_back_with_one_click_and_made_again_with_another(
    cast: Cast, olga: Client, vera: Client
) -> None:
    made = changed(cast, RuleChanges(max_leads_per_ip=1, allow_all_ips=True))
    version = now(cast).version
    page = read(olga, PAGE)
    assert "adam@example.com changed: allowing all IPs, leads per IP." in page.text
    assert "Take the change back" in page.text
    assert "Take the change back" not in read(vera, PAGE).text
    page = send(olga, f"{PAGE}{made.pk}/revert/")
    assert "“My website” is as before: allowing all IPs, leads per IP." in page.text
    assert (now(cast).max_leads_per_ip, now(cast).allow_all_ips) == (10, False)
    assert now(cast).version != version
    entry = AuditEntry.objects.filter(action="endpoint.saved").latest("id")
    assert (entry.actor, entry.changes["max_leads_per_ip"]) == ("olga@example.com", [1, 10])
    assert page.values["entry"] == str(entry.pk)
    page = send(olga, f"/w/acme/integration/api/{cast.acme.endpoint.pk}/take-back/", entry=entry.pk)
    assert (now(cast).max_leads_per_ip, now(cast).allow_all_ips) == (1, True)


def test_what_was_changed_since_stays(cast: Cast, olga: Client) -> None:
    made = changed(cast, RuleChanges(max_leads_per_ip=1, allow_all_ips=True))
    save_rules(now(cast), RuleChanges(max_leads_per_ip=7))
    assert "is as before: allowing all IPs." in send(olga, f"{PAGE}{made.pk}/revert/").text
    assert (now(cast).max_leads_per_ip, now(cast).allow_all_ips) == (7, False)
    again = send(olga, f"{PAGE}{made.pk}/revert/")
    assert "These settings were changed again in the meantime." in again.text


def test_optional_rules_go_back_and_a_secret_never_does(cast: Cast, olga: Client) -> None:
    save_rules(now(cast), RuleChanges(captcha={"provider": "turnstile", "site_key": "s", "secret": "one"}))
    made = changed(cast, RuleChanges(captcha={"secret": "two", "if_failed": "hold"}, holding={"max_links": 0}))
    send(olga, f"{PAGE}{made.pk}/revert/")
    assert (now(cast).captcha.get("secret"), now(cast).captcha.get("if_failed")) == ("two", None)
    assert now(cast).holding == {}


def test_an_alert_that_names_no_change_takes_nothing_back(cast: Cast, olga: Client) -> None:
    assert "is not known any more" in send(olga, f"{PAGE}{alert(cast.acme).pk}/revert/").text


@pytest.mark.parametrize("whose", ["next_door", "another", "nobody"])
def test_only_a_change_of_the_endpoint_itself_can_be_taken_back(cast: Cast, olga: Client, whose: str) -> None:
    if whose == "next_door":
        save_rules(cast.next_door.endpoint, RuleChanges(max_leads_per_ip=1))
    elif whose == "another":
        channel(cast.acme)
    entry = AuditEntry.objects.latest("id")
    entry_id = 987_654 if whose == "nobody" else entry.pk
    page = send(olga, f"/w/acme/integration/api/{cast.acme.endpoint.pk}/take-back/", entry=entry_id)
    assert "is not known any more" in page.text
    assert now(cast).max_leads_per_ip == 10


def watch_page(cast: Cast) -> str:
    return f"{PAGE}endpoints/{cast.acme.endpoint.pk}/"


def save(browser: Client, cast: Cast, **typed: str) -> Page:
    """Change some figures on the page as it stands."""
    page = read(browser, watch_page(cast))
    fields = {name: value for name, value in page.values.items() if name != "csrfmiddlewaretoken"}
    fields["usual_silence"] = "on" if "usual_silence" in page.checked else ""
    return send(browser, watch_page(cast), **{**fields, **typed})


def test_figures_begin_as_everybodys_and_are_changed(cast: Cast, olga: Client) -> None:
    page = read(olga, watch_page(cast))
    assert (page.values["no_lead_hours"], page.values["refusals"], page.values["canary_minutes"]) == ("168", "20", "")
    assert page.checked == {"usual_silence"}
    page = save(olga, cast, no_lead_hours="1,000", refusals="")
    assert "Saved." in page.text
    assert (page.values["no_lead_hours"], page.values["refusals"]) == ("1000", "")
    assert "Without a figure of your own: 20" in page.text
    kept = Watch.objects.get()
    assert kept.alerts == {"no_lead_hours": 1000, "refusals": None}
    assert AuditEntry.objects.filter(action="endpoint.watch_saved", actor="olga@example.com").exists()
    assert "Figures of your own" in read(olga, PAGE).text


def test_saving_nothing_new_keeps_nothing(cast: Cast, olga: Client) -> None:
    save(olga, cast)
    assert not Watch.objects.exclude(alerts={}).exists()
    assert not AuditEntry.objects.filter(action="endpoint.watch_saved").exists()


def test_a_figure_that_cannot_be_used_is_refused_beside_its_field(cast: Cast, olga: Client) -> None:
    page = save(olga, cast, refusals="many", no_lead_hours="5")
    assert page.status == 422
    assert "“many” is no whole number." in page.text
    assert (page.values["refusals"], page.values["no_lead_hours"]) == ("many", "5")
    page = save(olga, cast, one_address="101", from_calls="", canary_minutes="1")
    assert "Choose a whole number from 10 to 100, or leave it empty to switch this alert off." in page.text
    assert "Choose a whole number from 10 to 1,000,000." in page.text
    assert "Choose a whole number of minutes from 5 to 1,440" in page.text
    assert not Watch.objects.exclude(alerts={}, canary_minutes=None).exists()


def test_the_test_lead_is_switched_on_and_its_result_shown(cast: Cast, olga: Client, vera: Client) -> None:
    page = save(olga, cast, canary_minutes="15")
    assert "A test lead every 15 minutes; the first is on its way" in page.text
    Watch.objects.update(canary_last_at=now_ms() - HOUR)
    assert "The last test lead got through 1 hour ago" in read(vera, PAGE).text
    Watch.objects.update(canary_problem="The endpoint answered 403.")
    assert "1 hour ago , did not get through: The endpoint answered 403." in read(vera, watch_page(cast)).text
    save(olga, cast, canary_minutes="")
    assert "No test leads are sent" in read(vera, PAGE).text


def test_many_alerts_ask_the_database_no_more_than_few(
    cast: Cast, olga: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    made = channel(cast.acme)
    alert(cast.acme)
    read(olga, PAGE)
    with django_assert_max_num_queries(14) as asked:
        read(olga, PAGE)
    few = len(asked)
    for number in range(20):
        one_address(cast, subject=str(number), resolved_at=now_ms() if number % 2 else None)
        fields = {"endpoint": None, "channel": made, "data": {"since": now_ms()}}
        alert(cast.acme, "channel_failing", subject=f"channel:{number}", **fields)
    with django_assert_num_queries(few):
        read(olga, PAGE)
