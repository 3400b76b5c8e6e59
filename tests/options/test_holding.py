"""The rules that hold a lead, one by one and together."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagewise.core.fields import Fields
from stagewise.options import holding
from stagewise.options.compiled import Options, compile_options
from stagewise.options.holding import REASONS, Holding
from stagewise.options.rules import CaptchaRules, HoldingRules
from stagewise.options.signals import NONE, Signals


def fields(message: str | None = None, name: str = "Ada", email: str = "ada@example.com") -> Fields:
    return Fields(name, "+442079460958", None, email, message, None)


def rules(**changed: Any) -> Holding:
    compiled = holding.compiled(HoldingRules(**changed))
    assert compiled is not None
    return compiled


def test_no_rule_is_no_rules() -> None:
    assert holding.compiled(HoldingRules()) is None
    assert Options().may_hold is False


@pytest.mark.parametrize(
    ("message", "count"),
    [
        ("no link here", 0),
        ("https://a.example", 1),
        ("see www.a.example and HTTP://B.example", 2),
        ("<a href='https://a.example'>x</a> [url=https://b.example]", 4),
        ("mail me at ada@example.com, file.txt, 3.5", 0),
    ],
)
def test_links_are_counted_as_people_and_bots_write_them(message: str, count: int) -> None:
    assert holding.reasons(rules(max_links=count), fields(message), NONE, 0) == []
    if count:
        assert holding.reasons(rules(max_links=count - 1), fields(message), NONE, 0) == ["links"]


@pytest.mark.parametrize(
    ("word", "message", "found"),
    [
        ("seo", "Our SEO service", True),
        ("seo", "Seoul", False),
        ("c++", "I write c++.", True),
        ("buy now", "Please Buy Now!", True),
        ("казино", "Лучшее КАЗИНО", True),
        ("a.b", "axb", False),
    ],
)
def test_words_are_whole_and_have_no_case(word: str, message: str, found: bool) -> None:
    assert (holding.reasons(rules(words=(word,)), fields(message), NONE, 0) == ["blocked_word"]) is found


@pytest.mark.parametrize(
    ("message", "email", "found"),
    [
        (None, "x@spam.example", True),
        (None, "x@mail.SPAM.example", True),
        (None, "x@notspam.example", False),
        ("http://spam.example:8080/x", "x@ok.example", True),
        ("https://user:pw@spam.example/", "x@ok.example", True),
        ("www.spam.example.", "x@ok.example", True),
        ("https://ok.example/?u=spam.example", "x@ok.example", False),
    ],
)
def test_domains_hold_with_their_subdomains(message: str | None, email: str, found: bool) -> None:
    blocked = rules(domains=("spam.example",))
    assert (holding.reasons(blocked, fields(message, email=email), NONE, 0) == ["blocked_domain"]) is found


@pytest.mark.parametrize("host", ["bücher.example", "BÜCHER.example", "www.bücher.example", "xn--bcher-kva.example"])
def test_a_domain_in_another_script_is_found_in_both_spellings(host: str) -> None:
    blocked = rules(domains=("xn--bcher-kva.example",))
    for sent in (fields(email=f"ada@{host}"), fields(f"See https://{host}/offer")):
        assert holding.reasons(blocked, sent, NONE, 0) == ["blocked_domain"]


def test_without_a_time_nobody_was_too_fast() -> None:
    assert holding.reasons(rules(min_seconds=3), fields(), NONE, 0) == []
    assert holding.reasons(rules(min_seconds=3), fields(), Signals(elapsed_ms=3_000), 0) == []
    assert holding.reasons(rules(min_seconds=3), fields(), Signals(elapsed_ms=2_999), 0) == ["too_fast"]


def test_every_reason_has_words() -> None:
    found = holding.reasons(
        rules(honeypot=True, min_seconds=9, max_links=0, repeated=2, words=("x",), domains=("example.com",)),
        fields("x https://a.example"),
        Signals(honeypot=True, elapsed_ms=1),
        1,
    )
    assert set(found) | {"captcha_failed", "captcha_unavailable", "over_limit"} == set(REASONS)


@given(st.text(), st.text(), st.lists(st.text(min_size=1), max_size=4))
def test_whatever_is_blocked_and_sent_deciding_never_fails(name: str, message: str, words: list[str]) -> None:
    blocked = rules(words=tuple(words), domains=tuple(words), max_links=0, honeypot=True)
    assert set(holding.reasons(blocked, fields(message, name), NONE, 0)) <= set(REASONS)


@pytest.mark.parametrize(
    ("documents", "may_hold"),
    [
        (({}, {}, {}), False),
        (({"provider": "altcha"}, {}, {}), False),
        (({"provider": "altcha", "if_failed": "hold"}, {}, {}), True),
        (({"if_failed": "hold"}, {}, {}), False),
        (({}, {"honeypot": True}, {}), True),
    ],
)
def test_an_endpoint_may_hold_only_if_a_rule_can(documents: tuple[Any, Any, Any], may_hold: bool) -> None:
    options = compile_options("x", forwarding=False, server_ceiling=None, over_limit="refuse", documents=documents)
    assert options.may_hold is may_hold


def test_a_document_that_is_not_ours_is_no_silent_default() -> None:
    with pytest.raises(msgspec.ValidationError):
        compile_options(
            "x", forwarding=False, server_ceiling=None, over_limit="refuse", documents=({"providr": "altcha"}, {}, {})
        )
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"provider": "nobody"}, CaptchaRules)
