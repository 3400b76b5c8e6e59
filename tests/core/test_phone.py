"""Telephone numbers: what is taken, how it is kept, and an E.164 form that is never a guess."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stagewise.core import phone
from stagewise.core.text import Bad

INVALID = Bad("invalid_phone")

NUMBER_TEXT = st.text(alphabet="+0123456789 ().-/", max_size=42)
MESSY_TEXT = st.text(
    alphabet="+0123456789 ().-/extpwa#,;:=\t\u00a0\u2011\uff10\uff0b\u0665\u202a\u200e\U0001d7d0*", max_size=42
)


@given(NUMBER_TEXT | MESSY_TEXT | st.text())
@example("+1 415 555 2671 ")
@example("(415) 555-2671")
@example("+0044 20 7183 8750")
@example("1" * 41)
@settings(max_examples=500)
def test_the_cheap_test_gives_what_the_careful_way_gives(text: str) -> None:
    assert phone.read(text) == phone.read_carefully(text)


@given(NUMBER_TEXT | MESSY_TEXT)
def test_a_kept_number_is_kept_again_as_it_is(text: str) -> None:
    kept = phone.read(text)
    if not isinstance(kept, Bad):
        assert phone.read(kept[0]) == kept


# What is taken, and how it is kept


@pytest.mark.parametrize(
    "text",
    [
        "(415) 555-2671",
        "415.555.2671",
        "0171/1234567",
        "+49 (0)30 / 12 34 56",
        "(+44) 20 7183 8750",
        "+ 44 20 7183 8750",
        "0044 20 7183 8750",
        "tel:+1-415-555-2671",
        "TEL: 030 123456",
        "++44 20 7183 8750",
        "+1 415 555 2671 ext. 89",
        "+1 415 555 2671 Ext 89",
        "+1 415 555 2671 extension 89",
        "+1 415 555 2671x89",
        "+1 415 555 2671 X 89",
        "+1 415 555 2671;ext=89",
        "+1 415 555 2671 #89",
        "+1 415 555 2671 доб. 89",
        "+1 415 555 2671 Доб 89",
        "+1 415 555 2671,,123#",
        "+14155552671;123",
        "+14155552671p123",
        "+14155552671 W 123",
        "+14155552671,",
        "030 123456#",
        "1-800-FLOWERS",
        "1-800-GOT-JUNK",
        "1-800-555-call x 12",
        "+1 (800) MY-APPLE",
        "13 CABS",
        "12345",
        "1" * 20,
        "00000000000",
        "+999999999999999",
        "+1\u00a0415\u2009555\u30002671",
        "+1\u2010415\u2011555\u20122671",
        "030\u2013123\u2014456\u201578\u22129",
        "（０３）１２３４－５６７８",
    ],
)
def test_a_plausible_number_is_taken(text: str) -> None:
    assert not isinstance(phone.read(text), Bad)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  030 123456\n", "030 123456"),
        ("030\t123456", "030 123456"),
        ("\u202a+14155552671\u202c", "+14155552671"),
        ("\u2066+14155552671\u2069", "+14155552671"),
        (" \u202d 030 123456 \u202c ", "030 123456"),
        ("+14155552671\u200e", "+14155552671"),
        ("\u200f030 123456", "030 123456"),
        ("٠٥٠١٢٣٤٥٦٧", "0501234567"),
        ("۰۲۱۱۲۳۴۵۶۷", "0211234567"),
        ("०९८७६५४३२१०", "09876543210"),
        ("＋１ ４１５ ５５５ ２６７１", "+1 415 555 2671"),
        ("\U0001e950\U0001e951\U0001e952\U0001e953\U0001e954", "01234"),  # Adlam, outside the BMP
        ("+1\u2011415\u00a0555\u20112671", "+1\u2011415\u00a0555\u20112671"),
        ("tel:+1-415-555-2671", "tel:+1-415-555-2671"),
        ("1-800-Flowers", "1-800-Flowers"),
    ],
)
def test_digits_become_ascii_and_the_rest_stays_as_typed(text: str, kept: str) -> None:
    read = phone.read(text)
    assert not isinstance(read, Bad)
    assert read[0] == kept


@pytest.mark.parametrize(
    "text",
    [
        "1234", "+1234", "911", "911 ext 12345", "1" * 21, "+", "-", "()", "x12345", "ext. 12345", "#12345",
        "*100#", "*#06#", "#31#+14155552671", "**21*123456#", "*67 4155552671", "12345*", "123#45678#",
        "call me", "n/a", "FLOWERS", "1e10", "0x1234567", "+1 4I5 555 267O", "12345 ext", "12345x", "12345p",
        "12345 x 6 y", "4155552671 home", "+1 415 555 2671 after six", "tel:", "tel:abc", "tel:tel:12345",
        "sip:12345@example.com", "tel:7042;phone-context=example.com", "tel:+14155552671;isub=12345",
        "+14155552671?body=x", "+14155552671;ext=", "+14155552671=1+1", "=14155552671", "@14155552671",
        "1+2345678", "+1+2345678", "+++4155552671", "12345,67x", "+1' OR 1=1--", "+cmd|'/c calc'!A0",
        "<b>4155552671</b>", "415_555_2671", "415:555:2671", "~4155552671",
        "\U0001d7ce\U0001d7cf\U0001d7d0\U0001d7d1\U0001d7d2\U0001d7d3", "⁰¹²³⁴⁵⁶", "①②③④⑤⑥",
        "ⅠⅡⅢⅣⅤⅥ",
        "一二三四五六七", "415\u200b5552671", "415\u00ad5552671", "\ufeff4155552671", "４１５ＡＢＣＤＥＦ",
        "415-ФЛАУЭРС", "４１５＊１２３４５", "+14155552671\r\nX: y", "415\n5552671", "415\x005552671", "415\x855552671",
        "415\u20285552671", "415\ufdd05552671", "1\u03012345678", "12345 d\u043eb. 6",
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused(text: str) -> None:
    assert phone.read(text) == INVALID


@pytest.mark.parametrize("text", ["", "   ", "\t\n", "\u202a\u202c", "\u200e", "\u3000"])
def test_nothing_but_white_space_and_marks_is_blank(text: str) -> None:
    assert phone.read(text) == Bad("blank")


def test_the_length_counts_what_is_kept() -> None:
    longest = "+1 415 555 2671" + " " * 22 + "x 1"
    assert len(longest) == 40
    assert phone.read(f"  \u202a{longest}\u202c ") == (longest, "+14155552671")
    assert phone.read(longest + "2") == Bad("too_long")
    assert phone.read("1" * 5000) == Bad("too_long")


# E.164


@pytest.mark.parametrize(
    ("text", "e164"),
    [
        ("+14155552671", "+14155552671"),
        ("+1 (415) 555-2671", "+14155552671"),
        ("+44 (0)20 7183 8750", "+442071838750"),
        ("+44 020 7183 8750", "+442071838750"),
        ("+39 06 698 12345", "+390669812345"),
        ("0044 20 7183 8750", "+442071838750"),
        ("(+44) 20 7183 8750", "+442071838750"),
        ("++44 20 7183 8750", "+442071838750"),
        ("tel:+1-415-555-2671", "+14155552671"),
        ("+1 415 555 2671 ext. 89", "+14155552671"),
        ("+1 415 555 2671,,89#", "+14155552671"),
        ("+1 800 FLOWERS", "+18003569377"),
        ("+54 9 11 2345 6789", "+5491123456789"),
        ("+7 800 555 35 35", "+78005553535"),
        ("+800 1234 5678", "+80012345678"),
        ("＋１４１５５５５２６７１", "+14155552671"),
    ],
)
def test_an_international_number_has_its_e164_form(text: str, e164: str) -> None:
    read = phone.read(text)
    assert not isinstance(read, Bad)
    assert read[1] == e164


@pytest.mark.parametrize(
    "text",
    [
        "(415) 555-2671",  # whose national number?
        "+999999999999999",  # no such country
        "+123456789012345",
        "00000000000",
        "+0044 20 7183 8750",
        "+1 0 415 555 2671",
        "001 65 6123 4567",  # 00 and the United States, or the way out of Korea and Singapore?
        "+49 30 12345 ABC",  # German numbers may have any length: the letters may be no digits at all
        "1-800-FLOWERS",
    ],
)
def test_without_certainty_there_is_no_e164_form(text: str) -> None:
    read = phone.read(text)
    assert not isinstance(read, Bad)
    assert read[1] is None


def example_numbers() -> list[str]:
    found = []
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            for kind in phonenumbers.PhoneNumberType.values():
                number = (
                    phonenumbers.example_number_for_non_geo_entity(code)
                    if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
                    else phonenumbers.example_number_for_type(region, kind)
                )
                if number is not None:
                    found.append(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:])
    return sorted(set(found))


EXAMPLES = example_numbers()


def by_the_library(digits: str) -> str | None:
    try:
        number = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return e164 if phonenumbers.is_valid_number(number) and len(e164) <= 16 else None


@pytest.mark.parametrize("slot", range(8))
def test_valid_numbers_of_all_countries_are_known(slot: int) -> None:
    for digits in EXAMPLES[slot::8]:
        assert phone.read("+" + digits) == ("+" + digits, by_the_library(digits)), digits


@given(st.sampled_from(EXAMPLES), st.integers(1, 12), st.text(alphabet="0123456789", max_size=4), st.integers(0, 3))
@settings(max_examples=1000)
def test_numbers_near_valid_ones_are_judged_as_by_the_library(digits: str, at: int, put: str, dropped: int) -> None:
    changed = digits[:at] + put + digits[at + dropped :]
    read = phone.read("+" + changed)
    if not isinstance(read, Bad):
        assert read[1] == by_the_library(changed)


@given(NUMBER_TEXT)
def test_an_e164_form_has_at_most_fifteen_digits_all_of_the_number(text: str) -> None:
    read = phone.read(text)
    if isinstance(read, Bad) or read[1] is None:
        return
    assert read[1][0] == "+"
    assert 7 <= len(read[1][1:]) <= 15
    rest = iter(read[0])
    assert all(digit in rest for digit in read[1][1:])


# What the worker fills in later


@pytest.mark.parametrize(
    ("text", "region", "details"),
    [
        ("(415) 555-2671", "US", ("+14155552671", True)),
        ("(415) 555-2671 x 12", "us", ("+14155552671", True)),
        ("030 12345678", "DE", ("+493012345678", True)),
        ("(415) 555-2671", None, (None, False)),
        ("(415) 555-2671", "", (None, False)),
        ("(415) 555-2671", "XX", (None, False)),
        ("12345", "US", (None, False)),
        ("+44 20 7183 8750", "US", ("+442071838750", True)),
        ("0044 20 7183 8750", "US", ("+442071838750", True)),
        ("011 44 20 7183 8750", "US", ("+442071838750", True)),
        ("001 65 6123 4567", "SG", ("+6561234567", True)),
        ("001 415 555 2671", "DE", ("+14155552671", True)),
        ("1-800-FLOWERS", "US", (None, False)),
        ("٠٢ ١٢٣٤٥٦٧٨", "EG", (None, False)),
        ("nonsense", "US", (None, False)),
        ("", "US", (None, False)),
    ],
)
def test_the_region_of_the_workspace_reads_national_numbers(
    text: str, region: str | None, details: tuple[str | None, bool]
) -> None:
    assert phone.phone_details(text, region) == details
