"""One saved change is undone, whatever else was saved since."""

from __future__ import annotations

from typing import Any

import pytest

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import reverting
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.endpoints.reverting import Reverted
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

SECRET = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"


def save(endpoint: Endpoint, **changes: Any) -> AuditEntry:
    save_rules(endpoint, RuleChanges(**changes), "olga@example.com")
    return AuditEntry.objects.filter(action="endpoint.saved").latest("id")


def revert(endpoint: Endpoint, entry: AuditEntry) -> Reverted:
    return reverting.revert(endpoint, entry, "adam@example.com", "203.0.113.7")


def now(endpoint: Endpoint, field: str) -> Any:
    return getattr(Endpoint.objects.get(pk=endpoint.pk), field)


def test_a_change_goes_back_with_an_entry_of_its_own_and_a_new_version(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    entry = save(endpoint, max_leads_per_ip=None, allow_all_ips=True, name="Shop")
    version = now(endpoint, "version")
    done = revert(endpoint, entry)
    assert (done.endpoint.max_leads_per_ip, done.endpoint.allow_all_ips, done.endpoint.name) == (
        10,
        False,
        "My website",
    )
    assert done.endpoint.version != version
    assert (done.entry.actor, done.entry.address) == ("adam@example.com", "203.0.113.7")
    assert done.entry.changes["max_leads_per_ip"] == [None, 10]
    assert done.left == []


def test_reverting_the_revert_is_its_undo(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    entry = save(endpoint, max_leads_per_ip=50, allowed_ips=["203.0.113.7"])
    done = revert(endpoint, entry)
    revert(endpoint, done.entry)
    assert (now(endpoint, "max_leads_per_ip"), now(endpoint, "allowed_ips")) == (50, ["203.0.113.7"])


def test_what_was_changed_again_since_stays_and_is_named(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    entry = save(endpoint, max_leads_per_ip=50, allow_all_ips=True)
    save(endpoint, max_leads_per_ip=70)
    done = revert(endpoint, entry)
    assert (now(endpoint, "max_leads_per_ip"), now(endpoint, "allow_all_ips")) == (70, False)
    assert done.left == ["max_leads_per_ip"]


def test_nothing_to_go_back_to_is_a_conflict_and_changes_nothing(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    entry = save(endpoint, max_leads_per_ip=50)
    save(endpoint, max_leads_per_ip=70)
    version = now(endpoint, "version")
    with pytest.raises(Conflict, match="changed again"):
        revert(endpoint, entry)
    assert (now(endpoint, "max_leads_per_ip"), now(endpoint, "version")) == (70, version)


def test_reverted_twice_the_second_is_a_conflict(cast: Cast) -> None:
    entry = save(cast.acme.endpoint, enabled=False)
    revert(cast.acme.endpoint, entry)
    with pytest.raises(Conflict):
        revert(cast.acme.endpoint, entry)


def test_of_a_list_only_what_the_change_did_is_undone(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    save(endpoint, allowed_ips=["10.0.0.1", "10.0.0.2"])
    entry = save(endpoint, allowed_ips=["10.0.0.2", "10.0.0.3"])
    save(endpoint, allowed_ips=["10.0.0.2", "10.0.0.3", "10.0.0.4"])
    revert(endpoint, entry)
    assert now(endpoint, "allowed_ips") == ["10.0.0.2", "10.0.0.4", "10.0.0.1"]


def test_a_list_that_nobody_touched_since_is_in_its_old_order(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    save(endpoint, allowed_ips=["10.0.0.1", "10.0.0.2", "10.0.0.3"])
    revert(endpoint, save(endpoint, allowed_ips=["10.0.0.3"]))
    assert now(endpoint, "allowed_ips") == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_optional_rules_go_back_field_by_field(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    save(endpoint, holding={"max_links": 2})
    entry = save(endpoint, holding={"max_links": 5, "words": ["casino"]})
    save(endpoint, holding={"min_seconds": 3})
    revert(endpoint, entry)
    assert now(endpoint, "holding") == {"max_links": 2, "min_seconds": 3}


def test_a_secret_is_never_brought_back(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    save(endpoint, captcha={"provider": "recaptcha_v2", "site_key": "site", "secret": SECRET})
    entry = save(endpoint, captcha={"secret": "another" + SECRET})
    assert not reverting.can_revert(entry)
    with pytest.raises(Conflict):
        revert(endpoint, entry)
    assert now(endpoint, "captcha")["secret"] == "another" + SECRET


def test_what_the_rules_do_not_allow_any_more_is_refused_in_their_words(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    save(endpoint, captcha={"provider": "recaptcha_v2", "site_key": "site", "secret": SECRET})
    entry = save(endpoint, captcha={"provider": ""})
    with pytest.raises(ActionError, match="secret key"):
        revert(endpoint, entry)
    assert now(endpoint, "captcha") == {}


def test_a_name_that_was_taken_meanwhile_is_refused(cast: Cast) -> None:
    entry = save(cast.acme.endpoint, name="Shop")
    add_endpoint(cast.acme.workspace, "My website")
    with pytest.raises(ActionError, match="already"):
        revert(cast.acme.endpoint, entry)


def test_an_entry_of_another_endpoint_or_kind_is_refused(cast: Cast) -> None:
    entry = save(cast.acme.endpoint, enabled=False)
    other = add_endpoint(cast.acme.workspace, "Shop")
    added = AuditEntry.objects.filter(action="endpoint.added").latest("id")
    for endpoint, wrong in ((other, entry), (cast.next_door.endpoint, entry), (other, added)):
        with pytest.raises(ActionError, match="no saved change"):
            revert(endpoint, wrong)
    assert not reverting.can_revert(added)


def test_a_setting_that_no_longer_exists_is_left_alone(cast: Cast) -> None:
    endpoint = cast.acme.endpoint
    entry = save(endpoint, enabled=False)
    entry.changes["colour"] = ["red", "blue"]
    done = revert(endpoint, entry)
    assert (done.endpoint.enabled, done.left) == (True, ["colour"])
