"""Mends that are one click from a refusal, and their Undo."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry, User
from stagewise.core.limits import LARGEST
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.leads.models import LeadType, UnmatchedName
from tests.console.pages import read, send
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def limit(cast: Cast) -> int | None:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk).max_leads_per_ip


def test_the_limit_is_raised_to_the_next_step_and_undo_restores_it(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=13))
    attempt(cast.acme, "rate_limited", 429)
    page = read(adam, "/w/acme/logs/?outcome=rate_limited")
    assert "Raise the limit to 20" in page.text
    path = f"/w/acme/logs/mend/limit/{cast.acme.endpoint.pk}/"
    page = send(adam, path, **{"from": "13", "to": "20", "back": "outcome=rate_limited"})
    assert limit(cast) == 20
    assert "“My website” takes 20 leads from an IP in 24 hours now." in page.text
    assert "Raise the limit to 50" in page.text
    toast = page.html.partition('id="toasts"')[2]
    assert 'name="from" value="20"' in toast
    assert 'name="to" value="13"' in toast
    assert 'name="back" value="outcome=rate_limited"' in toast
    send(adam, path, **{"from": "20", "to": "13"})
    assert limit(cast) == 13
    assert AuditEntry.objects.filter(action="endpoint.saved", actor="adam@example.com").count() == 2


def test_who_saw_another_limit_is_told_and_changes_nothing(cast: Cast, adam: Client) -> None:
    path = f"/w/acme/logs/mend/limit/{cast.acme.endpoint.pk}/"
    for fields in ({"from": "5", "to": "20"}, {"from": "10"}, {"from": "x", "to": "20"}):
        assert "Somebody changed the limit in the meantime." in send(adam, path, **fields).text
    assert "Choose a number from 1" in send(adam, path, **{"from": "10", "to": "100001"}).text
    assert limit(cast) == 10


@pytest.mark.parametrize(
    ("now", "offered"),
    [(None, "There is no limit now"), (LARGEST, "Change the limit"), (100, "Raise the limit to 200")],
)
def test_what_is_offered_follows_the_limit_that_there_is(
    cast: Cast, adam: Client, now: int | None, offered: str
) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=now))
    attempt(cast.acme, "rate_limited", 429)
    assert offered in read(adam, "/w/acme/logs/").text


def name(cast: Cast, text: str, last_at: int) -> None:
    UnmatchedName.objects.create(
        workspace_id=cast.acme.workspace.pk, name=text, name_key=text.lower(), count=1, last_at=last_at
    )


def test_names_that_came_then_or_later_are_offered_as_lead_types(cast: Cast, adam: Client) -> None:
    at = now_ms()
    attempt(cast.acme, "unknown_lead_type", 422, at=at - 5_000)
    name(cast, "Long ago", at - 900_000)
    name(cast, "Gardens", at - 5_000)
    name(cast, "Roofs", at)
    page = read(adam, "/w/acme/logs/")
    assert "Add the lead type “Gardens”" in page.text
    assert "Add the lead type “Roofs”" in page.text
    assert "Long ago" not in page.text
    page = send(adam, "/w/acme/logs/mend/lead-type/", name="Gardens", back="")
    assert "“Gardens” is a lead type now." in page.text
    assert "Add the lead type “Gardens”" not in page.text
    assert LeadType.objects.filter(workspace=cast.acme.workspace, name="Gardens", archived_at=None).exists()


def test_a_name_that_is_no_name_is_refused_and_one_that_is_there_adds_nothing(cast: Cast, adam: Client) -> None:
    before = LeadType.objects.count()
    assert "There is a lead type “Sales” already." in send(adam, "/w/acme/logs/mend/lead-type/", name="SALES").text
    page = send(adam, "/w/acme/logs/mend/lead-type/", name=" ")
    assert page.status == 200
    assert 'class="bad"' in page.html
    assert LeadType.objects.count() == before


def test_a_mend_that_many_calls_share_is_one_button(cast: Cast, adam: Client) -> None:
    for _ in range(5):
        attempt(cast.acme, "ip_not_allowed", 403, address="203.0.113.7")
    html = read(adam, "/w/acme/logs/").html
    lines = [part.partition("</div>")[0] for part in html.split('<div class="mend">')[1:]]
    assert sum("Allow 203.0.113.7" in line for line in lines) == 1
    assert html.count("Allow 203.0.113.7") == 5  # the others have it where they open


def test_an_address_of_which_only_the_network_is_kept_is_not_offered(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "ip_not_allowed", 403, address="203.0.113.0/24")
    assert "Allow 203" not in read(adam, "/w/acme/logs/").text
