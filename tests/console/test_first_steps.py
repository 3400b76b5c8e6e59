"""The way to the first lead, on the overview until there is one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.leads.models import HeldLead, Lead
from tests.console.pages import read, send
from tests.support.cast import Cast, attempt, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PATH = "/w/acme/overview/"


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


@pytest.fixture
def empty(cast: Cast) -> Cast:
    Lead.objects.all().delete()
    return cast


def test_until_the_first_lead_the_steps_to_it_are_shown(empty: Cast, adam: Client) -> None:
    page = read(adam, PATH)
    assert "Three steps to the first lead." in page.text
    assert "Copy the URL to do" in page.text
    assert "Say who may call to do" in page.text
    assert "Post the first lead to do" in page.text
    assert "No call has come yet." in page.text
    assert 'hx-trigger="every' in page.html


def test_steps_are_ticked_by_what_happened(empty: Cast, adam: Client) -> None:
    save_rules(empty.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))
    assert "Say who may call done" in read(adam, PATH).text
    attempt(empty.acme, "ip_not_allowed", 403, address="203.0.113.9")
    page = read(adam, PATH)
    assert "Copy the URL done" in page.text
    assert "IP not allowed · 203.0.113.9" in page.text
    assert "Allow 203.0.113.9" in page.text
    page = send(
        adam,
        f"/w/acme/integration/api/{empty.acme.endpoint.pk}/allow/",
        allowed_ips="203.0.113.9",
        back="overview",
    )
    assert "Three steps to the first lead." in page.text
    lead(empty.acme)
    assert "Three steps" not in read(adam, PATH).text


def test_who_may_not_change_settings_is_told_who_can(empty: Cast, as_user: AsUser) -> None:
    page = read(as_user(empty.vera), PATH)
    assert "An admin or owner of this workspace can do that." in page.text
    assert "<form" not in page.html.partition('id="overview"')[2].partition("</main>")[0]


def test_without_an_endpoint_the_overview_leads_to_one(empty: Cast, adam: Client) -> None:
    HeldLead.objects.all().delete()
    Endpoint.objects.filter(workspace=empty.acme.workspace).delete()
    assert "There is no endpoint yet." in read(adam, PATH).text
