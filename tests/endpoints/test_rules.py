"""What an owner may save, entry by entry, and what is said of the rest."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import actions, entries
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

#: typed → kept
GOOD_IPS = {
    "203.0.113.7": "203.0.113.7",
    " 203.0.113.7 ": "203.0.113.7",
    "10.0.0.0/8": "10.0.0.0/8",
    "10.0.0.1/8": "10.0.0.0/8",
    "203.0.113.7/32": "203.0.113.7",
    "2001:DB8::1": "2001:db8::1",
    "2001:db8:0:0:0:0:0:1": "2001:db8::1",
    "2001:db8::1/48": "2001:db8::/48",
    "::ffff:203.0.113.7": "203.0.113.7",
    "::ffff:10.0.0.0/104": "10.0.0.0/8",
}

#: typed → what the sentence must hold
BAD_IPS = {
    "0.0.0.0/0": "Allow from all IPs",
    "::/0": "Allow from all IPs",
    "*": "Allow from all IPs",
    "192.168.1": "192.168.1.0/24",
    "192.168.1.*": "192.168.1.0/24",
    "1.2.3.4-9": "CIDR",
    "010.0.0.1": "10.0.0.1",
    "203.0.113.7:443": "203.0.113.7",
    "203.0.113.7 # office": "203.0.113.7",
    "https://203.0.113.7/": "203.0.113.7",
    "fe80::1%eth0": "fe80::1",
    "10.0.0.0/255.0.0.0": "10.0.0.0/8",
    "203.0.113.300": "no IP address",
    "203.0.113.7/33": "length of the prefix",
    "server.example.com": "names are not looked up",
    "localhost": "names are not looked up",
    "<script>": "<script>",
}

GOOD_ORIGINS = {
    "https://yoursite.com": "https://yoursite.com",
    "https://YourSite.com/": "https://yoursite.com",
    "https://yoursite.com:443": "https://yoursite.com",
    "https://yoursite.com:8443": "https://yoursite.com:8443",
    "http://localhost:3000": "http://localhost:3000",
    "https://bücher.example": "https://xn--bcher-kva.example",
}

BAD_ORIGINS = {
    "yoursite.com": "https://yoursite.com",
    "*": "empty",
    "null": "null",
    "*.yoursite.com": "*.yoursite.com",
    "https://*.yoursite.com": "*",
    "ftp://yoursite.com": "ftp",
    "https://user@yoursite.com": "yoursite.com",
    "javascript:alert(1)": "javascript",
}


@pytest.mark.parametrize(("typed", "kept"), GOOD_IPS.items())
def test_a_good_ip_is_kept_in_its_one_spelling(cast: Cast, typed: str, kept: str) -> None:
    saved = save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=[typed]))
    assert Endpoint.objects.get(pk=saved.pk).allowed_ips == [kept]


@pytest.mark.parametrize(("typed", "said"), BAD_IPS.items())
def test_a_bad_ip_is_named_with_a_reason_and_a_proposal(cast: Cast, typed: str, said: str) -> None:
    before = Endpoint.objects.get(pk=cast.acme.endpoint.pk)
    with pytest.raises(ActionError) as error:
        save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.1", typed], max_leads_per_ip=7))
    [sentence] = error.value.problems["allowed_ips"]
    assert sentence.startswith(f"Entry 2, “{typed}”: ")
    assert said in sentence
    after = Endpoint.objects.get(pk=cast.acme.endpoint.pk)
    assert (after.allowed_ips, after.max_leads_per_ip, after.version) == (
        before.allowed_ips,
        before.max_leads_per_ip,
        before.version,
    )


@pytest.mark.parametrize(("typed", "kept"), GOOD_ORIGINS.items())
def test_a_good_origin_is_kept_as_browsers_send_it(cast: Cast, typed: str, kept: str) -> None:
    assert save_rules(cast.acme.endpoint, RuleChanges(allowed_origins=[typed])).allowed_origins == [kept]


@pytest.mark.parametrize(("typed", "said"), BAD_ORIGINS.items())
def test_a_bad_origin_is_named_with_a_reason(cast: Cast, typed: str, said: str) -> None:
    with pytest.raises(ActionError) as error:
        save_rules(cast.acme.endpoint, RuleChanges(allowed_origins=[typed]))
    [sentence] = error.value.problems["allowed_origins"]
    assert said in sentence
    assert not Endpoint.objects.get(pk=cast.acme.endpoint.pk).allowed_origins


def test_what_is_kept_in_another_spelling_is_said() -> None:
    assert entries.check_ips(["10.0.0.1/8", "203.0.113.7"]).notes == ["“10.0.0.1/8” is kept as 10.0.0.0/8."]
    assert entries.check_origins(["https://YourSite.com/"]).notes == [
        "“https://YourSite.com/” is kept as https://yoursite.com."
    ]


def test_a_list_holds_each_entry_once_and_in_the_order_it_was_typed(cast: Cast) -> None:
    saved = save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7", "", "10.0.0.0/8", "203.0.113.7/32"]))
    assert saved.allowed_ips == ["203.0.113.7", "10.0.0.0/8"]


def test_ten_thousand_entries_fit_and_one_more_does_not(cast: Cast) -> None:
    many = [f"10.{number // 256}.{number % 256}.0/24" for number in range(10_000)]
    assert len(save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=many)).allowed_ips) == 10_000
    with pytest.raises(ActionError, match="10,000"):
        save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=[*many, "203.0.113.7"]))


def test_of_very_many_bad_entries_the_first_are_named_and_the_rest_counted() -> None:
    problems = entries.check_ips(["nonsense"] * 500).problems
    assert len(problems) == 21
    assert problems[-1] == "… and 480 more like these."


def test_a_very_long_entry_is_cut_in_the_sentence() -> None:
    [problem] = entries.check_ips(["x" * 10_000]).problems
    assert len(problem) < 300


@pytest.mark.parametrize("limit", [1, 10, 100_000, None])
def test_a_limit_from_one_to_a_hundred_thousand_or_none_is_saved(cast: Cast, limit: int | None) -> None:
    assert save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=limit)).max_leads_per_ip == limit


@pytest.mark.parametrize(("limit", "said"), [(0, "Leave it empty"), (-1, "1 to 100,000"), (100_001, "1 to 100,000")])
def test_another_limit_is_refused_with_what_to_do(cast: Cast, limit: int, said: str) -> None:
    with pytest.raises(ActionError) as error:
        save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=limit))
    assert said in error.value.problems["max_leads_per_ip"][0]


def test_all_mistakes_are_named_at_once(cast: Cast) -> None:
    with pytest.raises(ActionError) as error:
        save_rules(
            cast.acme.endpoint,
            RuleChanges(name=" ", allowed_ips=["x"], allowed_origins=["x"], max_leads_per_ip=0, enabled=False),
        )
    assert sorted(error.value.problems) == ["allowed_ips", "allowed_origins", "max_leads_per_ip", "name"]
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).enabled


def test_what_is_left_out_stays_as_it_was(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], allow_all_ips=True))
    saved = save_rules(cast.acme.endpoint, RuleChanges(enabled=False))
    assert (saved.enabled, saved.allow_all_ips, saved.allowed_ips, saved.max_leads_per_ip) == (
        False,
        True,
        ["203.0.113.7"],
        10,
    )


def test_each_save_that_changes_something_has_a_new_version_and_an_audit_entry(cast: Cast) -> None:
    first = save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=5), "olga@example.com", "203.0.113.7")
    same = save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=5), "olga@example.com", "203.0.113.7")
    assert first.version == same.version != cast.acme.endpoint.version
    entry = AuditEntry.objects.get(action="endpoint.saved")
    assert (entry.actor, entry.address, entry.subject) == ("olga@example.com", "203.0.113.7", "My website")
    assert entry.changes == {"max_leads_per_ip": [10, 5]}


def test_of_two_people_who_save_at_once_the_second_is_told(cast: Cast) -> None:
    seen = cast.acme.endpoint.version
    save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=5), expected_version=seen)
    with pytest.raises(Conflict):
        save_rules(cast.acme.endpoint, RuleChanges(max_leads_per_ip=6), expected_version=seen)
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).max_leads_per_ip == 5


def test_two_endpoints_of_a_workspace_have_different_names(cast: Cast) -> None:
    actions.add_endpoint(cast.acme.workspace, "Shop")
    with pytest.raises(ActionError, match="already"):
        save_rules(cast.acme.endpoint, RuleChanges(name="Shop"))
    assert save_rules(cast.acme.endpoint, RuleChanges(name="My website")).name == "My website"


def test_allowing_one_entry_leaves_what_others_saved(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))
    actions.allow_entry(cast.acme.endpoint, "allowed_ips", "203.0.113.8")
    actions.allow_entry(cast.acme.endpoint, "allowed_origins", "https://yoursite.com")
    saved = actions.allow_entry(cast.acme.endpoint, "allowed_ips", "203.0.113.8")
    assert saved.allowed_ips == ["203.0.113.7", "203.0.113.8"]
    assert saved.allowed_origins == ["https://yoursite.com"]
    assert actions.remove_entry(saved, "allowed_ips", "203.0.113.8").allowed_ips == ["203.0.113.7"]


def test_the_twin_of_each_origin_is_found_unless_it_is_there() -> None:
    assert entries.missing_twins(["https://yoursite.com", "https://www.other.com"]) == [
        "https://www.yoursite.com",
        "https://other.com",
    ]
    assert entries.missing_twins(["https://yoursite.com", "https://www.yoursite.com", "http://localhost:3000"]) == []


@pytest.mark.parametrize(
    "text", ["203.0.113.7\n10.0.0.0/8", "203.0.113.7, 10.0.0.0/8", " 203.0.113.7 ;\r\n\r\n10.0.0.0/8,"]
)
def test_entries_stand_on_lines_or_between_commas(text: str) -> None:
    assert entries.split(text) == ["203.0.113.7", "10.0.0.0/8"]
