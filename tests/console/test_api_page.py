"""Integration → Stagewise API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import AuditEntry, User
from stagewise.endpoints import queries
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import Endpoint
from tests.console.pages import Page, read, send
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def path(cast: Cast, act: str = "") -> str:
    return f"/w/acme/integration/api/{cast.acme.endpoint.pk}/{act}"


def saved(cast: Cast) -> Endpoint:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk)


def save(cast: Cast, browser: Client, **fields: str) -> Page:
    return send(browser, path(cast), version=str(saved(cast).version), **fields)


def test_the_page_shows_the_url_with_a_copy_button_and_the_settings_by_the_guides_names(
    cast: Cast, adam: Client
) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7", "10.0.0.0/8"], max_leads_per_ip=20))
    page = read(adam, "/w/acme/integration/api/")
    assert queries.url_of(cast.acme.endpoint) in page.text
    assert 'data-copy="url"' in page.html
    for words in ("Allow from all IPs", "Allowed IPs", "Allowed CORS origins", "Rate Limiting", "Save Config"):
        assert words in page.text
    assert page.values["allowed_ips"] == "203.0.113.7\n10.0.0.0/8"
    assert page.values["max_leads_per_ip"] == "20"
    assert "allow_all_ips" not in page.checked


def test_save_config_saves_all_four_settings(cast: Cast, adam: Client) -> None:
    page = save(
        cast,
        adam,
        allow_all_ips="on",
        allowed_ips="203.0.113.7\r\n\r\n 10.0.0.1/8 ",
        allowed_origins="https://YourSite.com/, https://www.yoursite.com",
        max_leads_per_ip=" 1,000 ",
    )
    assert page.status == 200
    assert "Saved. It holds for the next call." in page.text
    assert "“10.0.0.1/8” is kept as 10.0.0.0/8." in page.text
    assert "“https://YourSite.com/” is kept as https://yoursite.com." in page.text
    now = saved(cast)
    assert (now.allow_all_ips, now.allowed_ips, now.allowed_origins, now.max_leads_per_ip) == (
        True,
        ["203.0.113.7", "10.0.0.0/8"],
        ["https://yoursite.com", "https://www.yoursite.com"],
        1000,
    )
    assert AuditEntry.objects.get(action="endpoint.saved").actor == "adam@example.com"


def test_empty_fields_mean_nobody_no_origins_and_no_limit(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], allowed_origins=["https://a.example"]))
    page = save(cast, adam)
    now = saved(cast)
    assert (now.allow_all_ips, now.allowed_ips, now.allowed_origins, now.max_leads_per_ip) == (False, [], [], None)
    assert "Nobody can send leads" in page.text
    assert "There is no limit" in page.text


def test_what_was_typed_survives_when_an_entry_is_refused(cast: Cast, adam: Client) -> None:
    typed = "203.0.113.7\n192.168.1\n<b>x</b>"
    page = save(cast, adam, allow_all_ips="on", allowed_ips=typed, allowed_origins="yoursite.com", max_leads_per_ip="0")
    assert page.status == 422
    assert page.values["allowed_ips"] == typed
    assert page.values["allowed_origins"] == "yoursite.com"
    assert page.values["max_leads_per_ip"] == "0"
    assert page.checked == {"allow_all_ips"}
    for said in (
        "Entry 2, “192.168.1”",
        "Did you mean 192.168.1.0/24?",
        "Entry 3, “<b>x</b>”",
        "Did you mean https://yoursite.com?",
        "0 would refuse everybody",
        "Not saved yet",
    ):
        assert said in page.text, said
    assert saved(cast).version == cast.acme.endpoint.version


@pytest.mark.parametrize("limit", ["ten", "1.5", "-3", "1e3", "٣", "9" * 30])
def test_a_limit_that_is_no_number_is_named(cast: Cast, adam: Client, limit: str) -> None:
    page = save(cast, adam, max_leads_per_ip=limit)
    assert page.status == 422
    assert "is no whole number" in page.text
    assert page.values["max_leads_per_ip"] == limit


def test_of_two_who_save_at_once_the_second_sees_both_and_decides(cast: Cast, adam: Client) -> None:
    seen = str(saved(cast).version)
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["10.0.0.0/8"]))
    page = send(adam, path(cast), version=seen, allowed_ips="203.0.113.7", max_leads_per_ip="5")
    assert page.status == 409
    assert "Somebody saved other settings in the meantime" in page.text
    assert "10.0.0.0/8" in page.text
    assert page.values["allowed_ips"] == "203.0.113.7"
    assert saved(cast).allowed_ips == ["10.0.0.0/8"]
    again = send(adam, path(cast), version=page.values["version"], allowed_ips="203.0.113.7", max_leads_per_ip="5")
    assert again.status == 200
    assert saved(cast).allowed_ips == ["203.0.113.7"]


def test_the_twin_of_an_origin_is_added_with_one_click(cast: Cast, adam: Client) -> None:
    page = save(cast, adam, allow_all_ips="on", allowed_origins="https://yoursite.com", max_leads_per_ip="5")
    assert "Allow https://www.yoursite.com" in page.text
    page = send(adam, path(cast, "allow/"), allowed_origins="https://www.yoursite.com")
    assert saved(cast).allowed_origins == ["https://yoursite.com", "https://www.yoursite.com"]
    assert "Undo" in page.text
    send(adam, path(cast, "disallow/"), allowed_origins="https://www.yoursite.com")
    assert saved(cast).allowed_origins == ["https://yoursite.com"]


def test_allowing_what_is_allowed_says_so(cast: Cast, adam: Client) -> None:
    send(adam, path(cast, "allow/"), allowed_ips="203.0.113.7")
    assert "203.0.113.7 was allowed already." in send(adam, path(cast, "allow/"), allowed_ips="203.0.113.7").text
    assert saved(cast).allowed_ips == ["203.0.113.7"]


def test_allowing_nonsense_says_why_not(cast: Cast, adam: Client) -> None:
    page = send(adam, path(cast, "allow/"), allowed_ips="0.0.0.0/0")
    assert "Allow from all IPs" in page.text
    assert saved(cast).allowed_ips == []


def test_a_rotated_key_shows_the_new_url_and_until_when_the_old_one_works(cast: Cast, adam: Client) -> None:
    old = queries.key_of(cast.acme.endpoint)
    page = send(adam, path(cast, "rotate/"), overlap_hours="24")
    assert "has a new URL; the old one works for another 24 hours" in page.text
    assert queries.url_of(cast.acme.endpoint) in page.text
    assert f"The old URL ending in …{old[-6:]} still works" in page.text
    assert old not in page.text
    page = send(adam, path(cast, "rotate/"), overlap_hours="0")
    assert "the old one stopped working" in page.text
    assert "still works" not in page.text


@pytest.mark.parametrize("hours", ["", "x", "-1", "721", "nan", "inf"])
def test_an_overlap_beyond_reason_changes_no_key(cast: Cast, adam: Client, hours: str) -> None:
    old = queries.key_of(cast.acme.endpoint)
    page = send(adam, path(cast, "rotate/"), overlap_hours=hours)
    assert "Choose" in page.text
    assert queries.key_of(cast.acme.endpoint) == old


def test_an_endpoint_is_switched_off_and_on(cast: Cast, adam: Client) -> None:
    page = send(adam, path(cast, "switch/"), enabled="off")
    assert "“My website” switched off: every call is refused" in page.text
    assert "Undo" in page.text
    assert not saved(cast).enabled
    send(adam, path(cast, "switch/"), enabled="on")
    assert saved(cast).enabled


def test_an_endpoint_is_renamed_and_keeps_its_url(cast: Cast, adam: Client) -> None:
    before = queries.url_of(cast.acme.endpoint)
    page = send(adam, path(cast, "rename/"), name="Shop")
    assert "“Shop”" in page.text
    assert queries.url_of(saved(cast)) == before
    refused = send(adam, path(cast, "rename/"), name=" ")
    assert refused.status == 422
    assert "Give it a name." in refused.text


def test_several_endpoints_are_chosen_by_name(cast: Cast, adam: Client) -> None:
    page = send(adam, "/w/acme/integration/api/add/", name="Shop")
    assert "It refuses everybody until you say who may call." in page.text
    shop = Endpoint.objects.get(name="Shop")
    assert f'href="/w/acme/integration/api/{shop.pk}/"' in page.html
    assert queries.url_of(shop) in page.text
    assert queries.url_of(cast.acme.endpoint) in read(adam, "/w/acme/integration/api/").text


def test_an_endpoint_without_a_name_is_not_added(cast: Cast, adam: Client) -> None:
    page = send(adam, "/w/acme/integration/api/add/", name="x" * 101)
    assert page.status == 422
    assert page.values["new_name"] == "x" * 101
    assert Endpoint.objects.filter(workspace=cast.acme.workspace).count() == 1


def test_a_workspace_without_endpoints_offers_to_add_one(cast: Cast, adam: Client) -> None:
    cast.acme.lead.delete()
    cast.acme.held.delete()
    Endpoint.objects.filter(pk=cast.acme.endpoint.pk).delete()
    page = read(adam, "/w/acme/integration/api/")
    assert "There is no endpoint yet" in page.text
    assert "Add endpoint" in page.text


def test_every_warning_of_the_guide_is_on_the_page(cast: Cast, adam: Client) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=True, max_leads_per_ip=None))
    page = read(adam, "/w/acme/integration/api/")
    for words in ("Every computer on the internet", "Pages of every website", "There is no limit"):
        assert words in page.text
    save_rules(cast.acme.endpoint, RuleChanges(allow_all_ips=False, allowed_ips=["203.0.113.7"], max_leads_per_ip=10))
    assert "All your visitors come through the one server 203.0.113.7" in read(adam, path(cast)).text


def test_ten_thousand_addresses_come_back_to_the_page(cast: Cast, adam: Client) -> None:
    many = "\n".join(f"10.{number // 256}.{number % 256}.0/24" for number in range(10_000))
    assert save(cast, adam, allowed_ips=many, max_leads_per_ip="5").values["allowed_ips"] == many


def test_the_page_of_next_door_is_another(cast: Cast, as_user: AsUser) -> None:
    add_endpoint(cast.next_door.workspace, "Secret shop")
    assert "Secret shop" not in read(as_user(cast.adam), "/w/acme/integration/api/").text
