"""What settings that are not saved yet would have said to the newest calls."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.core.limits import WINDOW_MS
from stagewise.endpoints import actions, recent
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import Endpoint, Hit
from stagewise.endpoints.preview import Preview, preview
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000_000


@pytest.fixture
def endpoint(cast: Cast) -> Endpoint:
    """It lets two servers in."""
    return save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7", "203.0.113.8"]))


def previewed(endpoint: Endpoint, **changes: Any) -> Preview:
    return preview(endpoint, actions.with_changes(endpoint, RuleChanges(**changes)))


def turned(found: Preview) -> tuple[list[str | None], list[str | None]]:
    return [each.row.address for each in found.refused], [each.row.address for each in found.let_in]


def test_accepted_calls_that_would_be_refused_and_refused_ones_that_would_be_let_in(
    cast: Cast, endpoint: Endpoint
) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.7", at=NOW)
    attempt(cast.acme, "created", 201, address="203.0.113.8")
    attempt(cast.acme, "held", 202, address="203.0.113.8")
    attempt(cast.acme, "ip_not_allowed", 403, address="198.51.100.1")
    attempt(cast.acme, "ip_not_allowed", 403, address="198.51.100.2")
    found = previewed(endpoint, allowed_ips=["203.0.113.7", "198.51.100.1"])
    assert turned(found) == (["203.0.113.8", "203.0.113.8"], ["198.51.100.1"])
    assert {each.outcome.code for each in found.refused if each.outcome} == {"ip_not_allowed"}
    assert (found.weighed, found.since) == (5, NOW)


def test_without_a_change_nothing_turns(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.7")
    attempt(cast.acme, "ip_not_allowed", 403, address="198.51.100.1")
    found = previewed(endpoint)
    assert turned(found) == ([], [])
    assert found.refused_already == 0


def test_what_the_saved_settings_refuse_by_now_is_told_apart(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="192.0.2.1")
    found = previewed(endpoint, max_leads_per_ip=5)
    assert (turned(found), found.refused_already) == (([], []), 1)


def test_wrong_fields_are_nobodys_business_here(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "missing_fields", 422, address="203.0.113.7")
    assert turned(previewed(endpoint, allowed_ips=[])) == ([], [])


def test_origins_are_weighed_with_the_address(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.7", origin="https://a.example")
    attempt(cast.acme, "created", 201, address="203.0.113.7")
    found = previewed(endpoint, allowed_origins=["https://b.example"])
    assert [each.row.origin for each in found.refused] == ["https://a.example"]
    assert [each.outcome.code for each in found.refused if each.outcome] == ["origin_not_allowed"]


def test_a_preflight_is_weighed_by_its_origin_only(cast: Cast, endpoint: Endpoint) -> None:
    endpoint = save_rules(endpoint, RuleChanges(allowed_origins=["https://a.example"]))
    attempt(cast.acme, "origin_not_allowed", 403, address="8.8.8.8", origin="https://b.example", preflight=True)
    assert turned(previewed(endpoint, allowed_origins=["https://b.example"]))[1] == ["8.8.8.8"]


def test_a_call_through_an_untrusted_proxy_is_never_let_in(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "ip_not_allowed", 403, address="127.0.0.1", note="untrusted_proxy")
    assert turned(previewed(endpoint, allowed_ips=["127.0.0.1"])) == ([], [])


def test_the_server_that_named_a_visitor_is_the_caller(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="192.0.2.99", forwarded_by="203.0.113.7")
    assert turned(previewed(endpoint, max_leads_per_ip=3)) == ([], [])
    assert turned(previewed(endpoint, allowed_ips=["203.0.113.8"]))[0] == ["192.0.2.99"]


def test_posts_from_our_own_page_need_no_allowed_address(cast: Cast, endpoint: Endpoint) -> None:
    endpoint = save_rules(endpoint, RuleChanges(form={"enabled": True}))
    from stagewise.core.origins import check_entry
    from stagewise.endpoints.queries import public_base

    attempt(cast.acme, "created", 201, address="192.0.2.1", origin=check_entry(public_base()).value)
    assert turned(previewed(endpoint, max_leads_per_ip=3)) == ([], [])
    assert turned(previewed(endpoint, form={"enabled": False}))[0] == ["192.0.2.1"]


def test_switching_off_is_not_in_the_form_but_would_refuse_all(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.7")
    assert [each.outcome.code for each in previewed(endpoint, enabled=False).refused if each.outcome] == [
        "endpoint_disabled"
    ]


def test_test_calls_and_old_keys_say_nothing(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "test_created", 201, address="203.0.113.7")
    attempt(cast.acme, "ip_not_allowed", 403, address="192.0.2.1", note="test")
    attempt(cast.acme, "endpoint_disabled", 410, address="203.0.113.7", note="key_retired")
    found = previewed(endpoint, allowed_ips=["192.0.2.1"])
    assert (turned(found), found.weighed, found.unknown) == (([], []), 1, 1)


def test_shortened_addresses_cannot_be_weighed(cast: Cast, endpoint: Endpoint) -> None:
    attempt(cast.acme, "created", 201, address="203.0.113.0/24")
    assert previewed(endpoint, allowed_ips=[]).unknown == 1


def test_a_lower_limit_names_the_addresses_that_have_used_it_up(cast: Cast, endpoint: Endpoint) -> None:
    now, acme = now_ms(), cast.acme
    for address, hits in (("203.0.113.7", 3), ("203.0.113.8", 1)):
        attempt(acme, "created", 201, address=address)
        for ago in range(hits):
            Hit.objects.create(workspace_id=1, endpoint_id=acme.endpoint.pk, bucket=address, at=now - ago * 1_000)
    endpoint = save_rules(endpoint, RuleChanges(max_leads_per_ip=10))
    assert previewed(endpoint, max_leads_per_ip=2).at_limit == [("203.0.113.7", now - 1_000 + WINDOW_MS)]
    assert previewed(endpoint, max_leads_per_ip=20).at_limit == []
    assert previewed(endpoint, max_leads_per_ip=None).at_limit == []


def test_two_hundred_calls_of_this_endpoint_are_weighed_and_none_of_others(cast: Cast, endpoint: Endpoint) -> None:
    other = add_endpoint(cast.acme.workspace, "Shop")
    for number in range(recent.WEIGHED + 5):
        attempt(cast.acme, "created", 201, address="203.0.113.7", at=NOW + number)
        attempt(cast.acme, "created", 201, address="203.0.113.7", endpoint_id=other.pk)
    found = previewed(endpoint, allowed_ips=[])
    assert (found.weighed, len(found.refused), found.since) == (200, 200, NOW + 5)


def test_changes_that_cannot_be_saved_cannot_be_weighed(endpoint: Endpoint) -> None:
    with pytest.raises(ActionError) as refused:
        previewed(endpoint, allowed_ips=["nonsense"], captcha={"provider": "hcaptcha"})
    assert {"allowed_ips", "captcha_site_key"} <= set(refused.value.problems)
    assert Endpoint.objects.get(pk=endpoint.pk).allowed_ips == ["203.0.113.7", "203.0.113.8"]
