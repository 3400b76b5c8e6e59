"""Forwarding, CAPTCHA, holding rules and the hosted form, as an owner may set them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import optional, queries
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from stagewise.options.rules import CaptchaRules, FormRules, HoldingRules
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

REMOTE = {"provider": "turnstile", "site_key": "0x4AAA", "secret": "top-secret-1"}


def kept(cast: Cast) -> Endpoint:
    return Endpoint.objects.get(pk=cast.acme.endpoint.pk)


def save(cast: Cast, **changes: Any) -> Endpoint:
    return save_rules(cast.acme.endpoint, RuleChanges(**changes), "olga@example.com")


def problems(cast: Cast, **changes: Any) -> dict[str, list[str]]:
    before = kept(cast).version
    with pytest.raises(ActionError) as error:
        save(cast, **changes)
    assert kept(cast).version == before
    return error.value.problems


def test_a_new_endpoint_has_everything_off(cast: Cast) -> None:
    found = kept(cast)
    assert (found.forwarding, found.server_ceiling, found.over_limit) == (False, 2000, "refuse")
    assert (found.captcha, found.holding, found.form) == ({}, {}, {})


# Forwarding and what is over the limit


@pytest.mark.parametrize("ceiling", [1, 1_000_000, None])
def test_a_ceiling_from_one_to_a_million_or_none_is_saved(cast: Cast, ceiling: int | None) -> None:
    saved = save(cast, forwarding=True, server_ceiling=ceiling, over_limit="hold")
    assert (saved.forwarding, saved.server_ceiling, saved.over_limit) == (True, ceiling, "hold")


@pytest.mark.parametrize(
    ("ceiling", "said"), [(0, "would refuse every lead"), (-1, "1 to 1,000,000"), (1_000_001, "1 to 1,000,000")]
)
def test_another_ceiling_is_refused_with_what_to_do(cast: Cast, ceiling: int, said: str) -> None:
    assert said in problems(cast, server_ceiling=ceiling)["server_ceiling"][0]


def test_what_is_over_the_limit_is_refused_or_held_and_nothing_else(cast: Cast) -> None:
    assert problems(cast, over_limit="ignore") == {"over_limit": ["Choose refuse or hold."]}


# CAPTCHA


def test_altcha_needs_no_keys_and_keeps_none(cast: Cast) -> None:
    assert save(cast, captcha={"provider": "altcha", "site_key": "x", "secret": "y"}).captcha == {"provider": "altcha"}


@pytest.mark.parametrize("provider", ["recaptcha_v2", "recaptcha_v3", "hcaptcha", "turnstile"])
def test_every_other_provider_needs_both_keys(cast: Cast, provider: str) -> None:
    found = problems(cast, captcha={"provider": provider})
    assert list(found) == ["captcha_site_key", "captcha_secret"]
    assert optional.PROVIDERS[provider] in found["captcha_secret"][0]
    assert save(cast, captcha={**REMOTE, "provider": provider}).captcha["secret"] == "top-secret-1"


def test_an_empty_secret_keeps_the_saved_one(cast: Cast) -> None:
    save(cast, captcha=REMOTE)
    assert save(cast, captcha={**REMOTE, "secret": "", "site_key": "new"}).captcha == {**REMOTE, "site_key": "new"}
    assert save(cast, captcha={"min_score": 0.7}).captcha["secret"] == "top-secret-1"


def test_another_provider_does_not_inherit_the_keys(cast: Cast) -> None:
    save(cast, captcha=REMOTE)
    assert list(problems(cast, captcha={"provider": "hcaptcha"})) == ["captcha_site_key", "captcha_secret"]
    assert list(problems(cast, captcha={"provider": "hcaptcha", "site_key": "k", "secret": ""})) == ["captcha_secret"]


def test_switched_off_the_captcha_forgets_its_keys(cast: Cast) -> None:
    save(cast, captcha=REMOTE)
    assert save(cast, captcha={"provider": ""}).captcha == {}


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("provider", "recapture", "Choose one of altcha, recaptcha_v2"),
        ("min_score", 1.1, "from 0 to 1"),
        ("min_score", -0.1, "from 0 to 1"),
        ("min_score", float("nan"), "from 0 to 1"),
        ("min_score", "high", "from 0 to 1"),
        ("if_failed", "admit", "Choose refuse or hold."),
        ("if_down", "ask", "Choose refuse, hold or admit."),
        ("hostnames", ["your site"], "Entry 1, “your site”"),
        ("hostnames", [f"h{number}.example" for number in range(51)], "At most 50"),
        ("site_key", "two words", "no spaces"),
        ("secret", "x" * 201, "at most 200"),
        ("secret", "a\x00b", "one line"),
        ("action", "send!", "letters, digits"),
    ],
)
def test_a_captcha_setting_that_cannot_be_used_is_named(cast: Cast, field: str, value: object, said: str) -> None:
    found = problems(cast, captcha={"provider": "altcha", field: value})
    assert list(found) == [f"captcha_{field}"]
    assert said in " ".join(found[f"captcha_{field}"])


# Holding rules


def test_domains_are_kept_as_browsers_and_mail_servers_write_them(cast: Cast) -> None:
    typed = ["Spam.Example", "*.x.example", "@y.example", "https://z.example/path?q", "BÜCHER.example.", "Spam.example"]
    assert save(cast, holding={"domains": typed}).holding == {
        "domains": ["spam.example", "x.example", "y.example", "z.example", "xn--bcher-kva.example"]
    }


def test_words_are_kept_once_in_lower_case_with_single_spaces(cast: Cast) -> None:
    typed = ["Casino", "CASINO", " buy   now ", "Größe"]
    assert save(cast, holding={"words": typed}).holding == {"words": ["casino", "buy now", "größe"]}


def test_five_hundred_entries_fit_and_one_more_does_not(cast: Cast) -> None:
    many = [f"word{number}" for number in range(500)]
    assert len(save(cast, holding={"words": many}).holding["words"]) == 500
    assert "At most 500" in problems(cast, holding={"words": [*many, "more"]})["holding_words"][0]
    assert (
        "At most 500"
        in problems(cast, holding={"domains": [f"{each}.example" for each in [*many, "more"]]})["holding_domains"][0]
    )


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("min_seconds", 0, "1 to 3,600"),
        ("min_seconds", 3601, "1 to 3,600"),
        ("min_seconds", 2.5, "whole number"),
        ("min_seconds", True, "whole number"),
        ("max_links", -1, "0 to 100"),
        ("repeated", 1, "2 to 1,000"),
        ("words", ["x" * 101], "at most 100"),
        ("words", ["!!!"], "a letter or a digit"),
        ("words", ["a\x07b"], "no word"),
        ("domains", ["spam example"], "no domain"),
        ("domains", ["x" * 101 + ".example"], "at most 100"),
        ("domains", ["-x-.example"], "no domain"),
    ],
)
def test_a_holding_rule_that_cannot_be_used_is_named(cast: Cast, field: str, value: object, said: str) -> None:
    found = problems(cast, holding={field: value})
    assert list(found) == [f"holding_{field}"]
    assert said in " ".join(found[f"holding_{field}"])


def test_no_links_at_all_is_a_rule_too(cast: Cast) -> None:
    assert save(cast, holding={"max_links": 0}).holding == {"max_links": 0}
    assert save(cast, holding={"max_links": None}).holding == {}


# The hosted form


def test_the_form_keeps_its_texts(cast: Cast) -> None:
    form = {"enabled": True, "title": " Write  to us ", "intro": "One.\r\nTwo.", "next_url": "https://a.example/danke"}
    assert save(cast, form=form).form == {
        "enabled": True,
        "title": "Write  to us",
        "intro": "One.\nTwo.",
        "next_url": "https://a.example/danke",
    }


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "//a.example", "/thanks", "data:text/html,x", "https://", "http://user@a.example/",
     "https://a.example/a b", "https://a.example/\nx", "ftp://a.example/", "https://[::1", "https://a\\b.example"],
)  # fmt: skip
def test_the_way_on_is_a_page_and_nothing_that_runs(cast: Cast, address: str) -> None:
    assert "no address of a page" in problems(cast, form={"next_url": address})["form_next_url"][0]


@pytest.mark.parametrize(("field", "longest"), [("title", 200), ("intro", 2000), ("button", 60), ("thanks", 1000)])
def test_texts_of_the_form_have_an_end(cast: Cast, field: str, longest: int) -> None:
    assert save(cast, form={field: "x" * longest}).form == {field: "x" * longest}
    assert list(problems(cast, form={field: "x" * (longest + 1)})) == [f"form_{field}"]


# All together


def test_all_mistakes_are_named_at_once_and_nothing_is_saved(cast: Cast) -> None:
    found = problems(
        cast,
        enabled=False,
        allowed_ips=["x"],
        server_ceiling=0,
        captcha={"provider": "x", "min_score": 2},
        holding={"max_links": -1},
        form={"next_url": "x"},
    )
    both = problems(cast, captcha={"provider": "hcaptcha", "site_key": "k"}, over_limit="x")
    assert sorted(both) == ["captcha_secret", "over_limit"]
    assert sorted(found) == [
        "allowed_ips",
        "captcha_min_score",
        "captcha_provider",
        "form_next_url",
        "holding_max_links",
        "server_ceiling",
    ]


def test_what_is_left_out_of_a_document_stays(cast: Cast) -> None:
    save(cast, holding={"honeypot": True, "words": ["casino"]})
    assert save(cast, holding={"max_links": 2}).holding == {"honeypot": True, "max_links": 2, "words": ["casino"]}


def test_saving_the_same_again_is_no_change(cast: Cast) -> None:
    rules = {
        "captcha": {**REMOTE, "hostnames": ["a.example"]},
        "holding": {"words": ["casino"], "repeated": 3},
        "form": {"enabled": True},
    }
    first = save(cast, **rules)
    assert save(cast, **rules).version == first.version
    assert AuditEntry.objects.filter(action="endpoint.saved").count() == 1


def test_what_is_kept_is_what_the_lane_reads(cast: Cast) -> None:
    saved = save(
        cast,
        captcha={**REMOTE, "hostnames": ["a.example"]},
        holding={"honeypot": True, "min_seconds": 3},
        form={"ask_lead_type": True},
    )
    stored = kept(cast)
    assert msgspec.convert(stored.captcha, CaptchaRules).hostnames == ("a.example",)
    assert msgspec.convert(stored.holding, HoldingRules).min_seconds == 3
    assert msgspec.convert(stored.form, FormRules).ask_lead_type
    assert saved.version == stored.version


def test_neither_the_audit_nor_a_script_ever_sees_the_secret(cast: Cast) -> None:
    save(cast, captcha=REMOTE)
    shown = save(cast, captcha={"secret": "top-secret-2", "if_down": "hold"})
    entries = [entry.changes for entry in AuditEntry.objects.filter(action="endpoint.saved").order_by("id")]
    assert entries[0]["captcha.secret"] == [None, "(hidden)"]
    assert entries[1] == {"captcha.secret": ["(hidden)", "(hidden)"], "captcha.if_down": [None, "hold"]}
    printed = queries.as_dict(shown)
    assert printed["captcha"]["secret_set"] is True
    assert "top-secret" not in str(printed) + str(entries)
