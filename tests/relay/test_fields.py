"""The relay's own look at the fields: never stricter than the endpoint, which has the last word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stagewise_client.relay import fields

from stagewise.core import fields as core
from tests.relay.conftest import ADA


@pytest.mark.parametrize(
    ("changed", "wrong"),
    [
        ({"name": None}, {"name": "required"}),
        ({"name": ""}, {"name": "required"}),
        ({"name": " \u200b "}, {"name": "blank"}),
        ({"name": "A" * 201}, {"name": "too_long"}),
        ({"name": "Ada\nBcc: everybody"}, {"name": "type"}),
        ({"name": ["Ada"]}, {"name": "type"}),
        ({"phone": "1234"}, {"phone": "invalid_phone"}),
        ({"phone": "<b>12345</b>"}, {"phone": "invalid_phone"}),
        ({"phone": 12345}, {"phone": "type"}),
        ({"email": "ada"}, {"email": "invalid_email"}),
        ({"email": "ada@example"}, {"email": "invalid_email"}),
        ({"message": "x" * 5_001}, {"message": "too_long"}),
        ({"message": "a\0b"}, {"message": "type"}),
        ({"message": "half \ud83d a face"}, {"message": "type"}),
        ({"lead_type_name": "x" * 101}, {"lead_type_name": "too_long"}),
        ({"message": None, "lead_type_name": ""}, {}),
        ({"name": "", "email": "x"}, {"name": "required", "email": "invalid_email"}),
    ],
)
def test_what_is_plainly_wrong_is_said_at_once(changed: dict[str, Any], wrong: dict[str, str]) -> None:
    assert fields.check(ADA | changed) == wrong


def test_every_code_has_words_that_tell_the_visitor_what_to_do() -> None:
    assert fields.words("email", "required") == "Please enter your e-mail address."
    assert fields.words("message", "too_long") == "This message is too long: 5,000 characters at most."
    assert fields.words("phone", "a_code_of_tomorrow") == "Please check your phone number."
    assert fields.words("something", "a_code_of_tomorrow") == "Please check your value."


PHONES = [
    "+44 20 7946 0018", "0044 (20) 7946-0018", "tel:+1-800-555-0199", "1-800-FLOWERS", "++49 30 123456",
    "030/123456-7", "+49 30 123456 ext. 789", "+49 30 123456;ext=789", "+49 30 123456 доб. 12", "٠١٢٣٤٥٦٧٨٩",
    "\uff0b\uff14\uff19 30 123456", "12345", "030 123456 #12", "030123456,,12#",
]  # fmt: skip
EMAILS = ["ada@example.com", "ADA+tag@Example.COM", "zoë@exämple.com", "用户@例子.公司", "a@b.co", "o'hara@example.org"]
NAMES = [
    "Ada",
    "Zoë",
    "O'Hara",
    "李小龙",
    "a\tb",
    "x" * 200,
    "Ada\u200d",
    "\u05d0\u05d3\u05d4",
    "<script>",
    "Robert'); --",
    "🙂",
]


def test_the_phones_addresses_and_names_that_people_have_pass() -> None:
    for phone in PHONES:
        assert isinstance(core.check(ADA | {"phone": phone}), core.Fields), phone
        assert fields.check(ADA | {"phone": phone}) == {}, phone
    for email in EMAILS:
        assert fields.check(ADA | {"email": email}) == {}, email
    for name in NAMES:
        assert fields.check(ADA | {"name": name}) == {}, name


@given(
    st.fixed_dictionaries(
        {
            "name": st.one_of(st.sampled_from(NAMES), st.text(max_size=210)),
            "phone": st.one_of(st.sampled_from(PHONES), st.text("0123456789+-() ./extABC#,;=*", max_size=45)),
            "email": st.one_of(st.sampled_from(EMAILS), st.emails()),
            "message": st.one_of(st.none(), st.text(max_size=40)),
        }
    )
)
def test_what_the_endpoint_accepts_the_relay_lets_pass(sent: dict[str, Any]) -> None:
    if isinstance(core.check(sent), core.Fields):
        assert fields.check(sent) == {}
