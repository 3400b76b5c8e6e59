"""What a browser posts by itself, read."""

from __future__ import annotations

import pytest

from stagewise.core.refusal import REFUSALS
from stagewise.forms import posted
from stagewise.forms.answers import usable_url
from stagewise.forms.words import WORDS, when, words_for
from stagewise.intake.body import Unreadable


def test_the_first_of_each_known_field_counts() -> None:
    found = posted.decode(b"name=Ada&name=Grace&email=&other=1&_gotcha=x&%6Dessage=a%0D%0Ab+c")
    assert found == {"name": "Ada", "email": "", "_gotcha": "x", "message": "a\r\nb c"}


def test_text_is_utf_8_and_else_what_old_websites_send() -> None:
    assert posted.decode("name=J%C3%BCrgen&message=ü".encode()) == {"name": "Jürgen", "message": "ü"}
    assert posted.decode(b"name=J%FCrgen+%80") == {"name": "Jürgen €"}
    assert posted.decode(b"name=J\xfcrgen") == {"name": "Jürgen"}


def test_a_form_with_hundreds_of_fields_is_none() -> None:
    with pytest.raises(Unreadable):
        posted.decode(b"&".join(b"x=1" for _ in range(posted.MOST + 1)))


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        ([b"application/x-www-form-urlencoded"], True),
        ([b"Application/X-WWW-Form-Urlencoded ; charset=UTF-8"], True),
        ([b"application/x-www-form-urlencoded", b"application/x-www-form-urlencoded"], False),
        ([b"text/plain; application/x-www-form-urlencoded"], False),
        ([], False),
    ],
)
def test_a_form_says_that_it_is_one(types: list[bytes], expected: bool) -> None:
    assert posted.is_form(types) is expected


@pytest.mark.parametrize("field", ["altcha", "g-recaptcha-response", "h-captcha-response", "cf-turnstile-response"])
def test_the_token_is_found_where_the_widgets_put_it(field: str) -> None:
    assert posted.extras({field: "token"}, 0, None) == {"captcha_token": "token"}


def test_the_time_since_the_page_was_made_is_counted_unless_the_script_has_counted() -> None:
    assert posted.extras({"_made_at": "1000"}, 8500, None) == {"_elapsed_ms": 7500}
    assert posted.extras({"_made_at": "9000"}, 8500, None) == {"_elapsed_ms": 0}
    assert posted.extras({"_made_at": "1000", "_elapsed_ms": "30"}, 8500, None) == {"_elapsed_ms": "30"}
    assert posted.extras({"_made_at": "yesterday"}, 8500, None) == {}


def test_the_referrer_names_the_page_unless_the_form_does() -> None:
    assert posted.extras({}, 0, "https://a.example/x") == {"page_url": "https://a.example/x"}
    assert posted.extras({"page_url": "https://a.example/y"}, 0, "https://a.example/x") == {
        "page_url": "https://a.example/y"
    }


@pytest.mark.parametrize("key", ["", "a b", "x" * 65, "a'b", "é"])
def test_what_our_page_did_not_write_is_no_view_of_it(key: str) -> None:
    assert posted.page_view({"_key": key}) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "in a moment"), (2, "in a moment"), (91, "in 2 minutes"), (3600, "in 60 minutes"), (86_400, "in 24 hours")],
)
def test_waiting_times_are_said_as_people_say_them(seconds: int | None, words: str) -> None:
    assert when(seconds) == words


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_has_words_for_visitors_that_give_nothing_away(code: str) -> None:
    heading, sentence = words_for(code, REFUSALS[code].status, REFUSALS[code].retry_after)
    assert heading
    assert sentence.endswith(".")
    assert "{" not in sentence
    for word in ("endpoint", "IP", "origin", "JSON", "database"):
        assert word not in heading + sentence


def test_words_are_for_refusals_that_exist() -> None:
    assert set(WORDS) <= set(REFUSALS)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/thanks",
        "javascript:alert(1)",
        "https://",
        "https://a.example/\r\nX: y",
        'https://a.example/"',
        "https://[x",
    ],
)
def test_nobody_is_sent_to_what_is_no_web_address(url: str) -> None:
    assert usable_url(url) == ""


def test_a_web_address_is_used_as_it_is() -> None:
    assert usable_url("https://a.example:8443/thanks?x=1,2;3&y=2#z") == "https://a.example:8443/thanks?x=1,2;3&y=2#z"
