"""What comes beside the five fields, found in a body that was read already."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stagewise.options import signals
from stagewise.options.signals import Signals


def sent(**extras: Any) -> Signals:
    body = json.dumps({"name": "A", "phone": "1", "email": "a@b.example", **extras}).encode()
    return signals.read(signals.find(body, 3))


def test_a_plain_lead_has_none() -> None:
    assert signals.find(b'{"name":"A","phone":"1","email":"x"}', 3) is None
    assert sent() == signals.NONE


def test_unknown_members_are_no_signals() -> None:
    assert sent(company="Acme", consent=True) == signals.NONE


@pytest.mark.parametrize("value", ["x", "http://spam.example", 1, True, ["x"]])
def test_a_honeypot_with_anything_in_it_was_filled(value: object) -> None:
    assert sent(_gotcha=value).honeypot


@pytest.mark.parametrize("value", ["", "  ", None, False, []])
def test_an_empty_honeypot_was_not(value: object) -> None:
    assert not sent(_gotcha=value).honeypot


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2_500, 2_500),
        (2_500.7, 2_500),
        ("2500", 2_500),
        ("", None),
        ("-1", None),
        (-1, None),
        (True, None),
        (None, None),
        ("٢", None),
        (1e300, None),
        ("9" * 40, None),
    ],
)
def test_the_time_a_form_was_open_is_a_whole_number_of_milliseconds(value: object, expected: int | None) -> None:
    assert sent(_elapsed_ms=value).elapsed_ms == expected


@pytest.mark.parametrize(
    ("token", "usable"), [("abc", True), ("", False), ("é", False), (5, False), ("x" * 9_000, False)]
)
def test_a_token_is_ascii_text_of_bounded_length(token: object, usable: bool) -> None:
    assert sent(captcha_token=token).captcha_token == (token if usable else None)


def test_names_count_also_when_they_are_written_with_escapes() -> None:
    body = b'{"name":"A","phone":"1","email":"x","utm\\u005fsource":"news"}'
    found = signals.read(signals.find(body, 3)).attribution
    assert found is not None
    assert found.utm_source == "news"


def test_what_cannot_be_read_counts_as_not_sent() -> None:
    deep = b'{"name":"A","phone":"1","email":"x","_gotcha":' + b"[" * 3_000 + b"]" * 3_000 + b"}"
    assert signals.find(deep, 3) is None
