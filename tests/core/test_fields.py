"""The fields of a lead. Each part begins with the clause of the API's description that it proves."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stagewise.core import text
from stagewise.core.fields import FIELD_NAMES, Fields, check, is_missing

GOOD: dict[str, object] = {
    "name": "Ada Lovelace",
    "phone": "+44 20 7946 0958",
    "email": "ada@example.com",
    "message": "Hello",
    "lead_type_name": "Sales",
}


def accepted(**changes: object) -> Fields:
    checked = check({**GOOD, **changes})
    assert isinstance(checked, Fields), checked
    return checked


def refused(**changes: object) -> list[tuple[str, str]]:
    checked = check({**GOOD, **changes})
    assert isinstance(checked, list), checked
    return [(error.field, error.code) for error in checked]


def test_an_ordinary_submission_is_stored_as_sent() -> None:
    assert check(GOOD) == Fields(
        "Ada Lovelace", "+44 20 7946 0958", "+442079460958", "ada@example.com", "Hello", "Sales"
    )


# Clause: name, phone, email required; message, lead_type_name optional


@pytest.mark.parametrize("field", ["name", "phone", "email"])
def test_a_required_field_that_is_absent_or_null_is_missing(field: str) -> None:
    absent = {name: value for name, value in GOOD.items() if name != field}
    for sent in (absent, {**GOOD, field: None}):
        errors = check(sent)
        assert isinstance(errors, list)
        assert [(error.field, error.code) for error in errors] == [(field, "required")]
        assert is_missing(errors)


@pytest.mark.parametrize("field", ["name", "phone", "email"])
@pytest.mark.parametrize("blank", ["", " ", "   ", "\t\r\n", "\u3000", "\xa0"])
def test_a_required_field_that_is_blank_is_missing(field: str, blank: str) -> None:
    errors = check({**GOOD, field: blank})
    assert isinstance(errors, list)
    assert [(error.field, error.code) for error in errors] == [(field, "blank")]
    assert is_missing(errors)


@pytest.mark.parametrize("nothing", [None, "", " ", "\r\n\t", "\u2003", "\x07\x1b"])
def test_a_message_that_is_blank_counts_as_absent(nothing: str | None) -> None:
    assert accepted(message=nothing).message is None


@pytest.mark.parametrize("nothing", [None, "", " ", "\u3000"])
def test_a_lead_type_that_is_null_or_empty_counts_as_absent(nothing: str | None) -> None:
    assert accepted(lead_type_name=nothing).lead_type_name is None


def test_optional_fields_may_be_absent() -> None:
    checked = check({name: GOOD[name] for name in ("name", "phone", "email")})
    assert isinstance(checked, Fields)
    assert (checked.message, checked.lead_type_name) == (None, None)


# Clause: errors then lists every bad field of the body; missing_fields when any required field is absent, null or blank


def test_all_errors_come_at_once_in_the_order_of_the_fields() -> None:
    errors = check({"name": "", "email": "ada", "message": 5, "lead_type_name": "x" * 101})
    assert isinstance(errors, list)
    assert [(error.field, error.code) for error in errors] == [
        ("name", "blank"), ("phone", "required"), ("email", "invalid_email"), ("message", "type"),
        ("lead_type_name", "too_long"),
    ]  # fmt: skip
    assert is_missing(errors)


def test_fields_that_are_wrong_but_there_are_not_missing() -> None:
    errors = check({**GOOD, "email": "ada", "phone": "1", "name": "x\x00", "message": [], "lead_type_name": 1})
    assert isinstance(errors, list)
    assert [error.field for error in errors] == list(FIELD_NAMES)
    assert not is_missing(errors)


def test_the_texts_of_errors_are_sentences_without_what_was_sent() -> None:
    errors = check({"name": "S3cret" * 40, "phone": "S3cret", "email": "S3cret", "message": 1})
    assert isinstance(errors, list)
    for error in errors:
        assert re.fullmatch(r"[A-Z][^{}]+\.", error.detail)
        assert "S3cret" not in error.detail


# Clause: Field values are strings: no number, boolean or list is turned into one → 422 type


@pytest.mark.parametrize("field", FIELD_NAMES)
@pytest.mark.parametrize(
    "value", [0, 14155552671, -1, 1.5, True, False, [], ["Ada"], {}, {"$gt": ""}, b"Ada"], ids=repr
)
def test_nothing_but_text_is_taken(field: str, value: object) -> None:
    assert refused(**{field: value}) == [(field, "type")]


# Clause: NFC once (never NFKC), lengths in code points after it, no truncation


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("A\u030angstro\u0308m", "\u00c5ngstr\u00f6m"),
        ("\u212bngstr\u00f6m", "\u00c5ngstr\u00f6m"),
        ("\u1112\u1161\u11ab", "\ud55c"),
    ],
)
def test_text_is_stored_in_nfc(sent: str, kept: str) -> None:
    assert accepted(name=sent, message=sent, lead_type_name=sent) == accepted(
        name=kept, message=kept, lead_type_name=kept
    )


@pytest.mark.parametrize("name", ["ﬁn", "Ｎａｍｅ", "\ufdfa", "①", "x²", "\u1e9b"])
def test_compatibility_characters_stay(name: str) -> None:
    assert accepted(name=name).name == name
    assert unicodedata.normalize("NFKC", name) != name


def test_normal_forms_are_kept_when_characters_between_are_removed() -> None:
    assert accepted(name="e\u202e\u0301").name == "\u00e9"
    assert accepted(message="e\x07\u0301").message == "\u00e9"


@pytest.mark.parametrize(("field", "limit"), [("name", 200), ("message", 5000), ("lead_type_name", 100)])
@pytest.mark.parametrize("char", ["x", "\u00e4", "a\u0308", "\U0001f600", "\ufdfa", "\u1112\u1161\u11ab"], ids=ascii)
def test_the_limits_count_code_points_of_the_normal_form(field: str, limit: int, char: str) -> None:
    longest = accepted(**{field: f" {char * limit}\n"})
    assert getattr(longest, field) == unicodedata.normalize("NFC", char * limit)
    assert refused(**{field: char * (limit + 1)}) == [(field, "too_long")]


@pytest.mark.parametrize(("field", "limit"), [("name", 200), ("message", 5000), ("lead_type_name", 100)])
def test_what_grows_in_nfc_is_measured_after_it(field: str, limit: int) -> None:
    grows = "\U0001d160"  # three code points in NFC
    assert len(getattr(accepted(**{field: grows * (limit // 3)}), field)) == limit // 3 * 3
    assert refused(**{field: grows * (limit // 3 + 1)}) == [(field, "too_long")]


def test_what_is_removed_does_not_count() -> None:
    assert accepted(name="\u202a" * 5000 + "x" * 200).name == "x" * 200
    assert (
        accepted(message="\r\n" * 2500 + "x" + "\x07" * 5000 + "\r\n" * 4998 + "y").message == "x" + "\n" * 4998 + "y"
    )
    assert accepted(name=" " * 65_000 + "Ada").name == "Ada"


# Clause: NUL anywhere → 422


@pytest.mark.parametrize("field", FIELD_NAMES)
@pytest.mark.parametrize("pattern", ["\0{}", "{}\0", "{}\0{}", "\0"])
def test_nul_is_refused_wherever_it_stands(field: str, pattern: str) -> None:
    assert [name for name, _ in refused(**{field: pattern.format(GOOD[field], GOOD[field])})] == [field]


# Clause: Markup, SQL, formulas, templates are just text: stored as they came


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "Robert'); DROP TABLE leads;--",
        "=1+1",
        "{{7*7}}",
        "{0.__class__}",
        "%s %(x)s",
        "\\",
        "&amp;",
        "Null",
    ],
)
def test_markup_and_formulas_are_just_text(value: str) -> None:
    checked = accepted(name=value, message=value, lead_type_name=value)
    assert (checked.name, checked.message, checked.lead_type_name) == (value, value, value)


# Clause: One-line fields: Unicode white space trimmed at both ends, an inner TAB becomes a space

WHITE_SPACE = [chr(code) for code in range(0x110000) if re.fullmatch(r"\s", chr(code)) and not 0x1C <= code <= 0x1F]


@pytest.mark.parametrize("space", WHITE_SPACE, ids=ascii)
def test_white_space_is_trimmed_at_both_ends(space: str) -> None:
    sent = {"name": "Ada", "phone": "12345", "lead_type_name": "Sales", "message": "Hi"}
    padded = accepted(**{field: f"{space}{value}{space}" for field, value in sent.items()})
    assert {field: getattr(padded, field) for field in sent} == sent


def test_the_four_separators_that_are_no_white_space_are_controls() -> None:
    for control in "\x1c\x1d\x1e\x1f":
        assert refused(name=f"Ada{control}", lead_type_name=f"{control}x") == [
            ("name", "type"),
            ("lead_type_name", "type"),
        ]


def test_white_space_inside_stays_but_a_tab_becomes_a_space() -> None:
    assert accepted(name="Ada  \u3000Love\tlace").name == "Ada  \u3000Love lace"
    assert accepted(lead_type_name="Sa\tles").lead_type_name == "Sa les"
    assert accepted(phone="030\t12345").phone == "030 12345"


def test_mail_addresses_lose_spaces_only() -> None:
    assert accepted(email="  ada@example.com ").email == "ada@example.com"
    for space in (space for space in WHITE_SPACE if space != " "):
        assert refused(email=f"ada@example.com{space}") == [("email", "invalid_email")]
        assert refused(email=f"{space}ada@example.com") == [("email", "invalid_email")]


# Clause: bidi embeddings, overrides and isolates are removed from name and phone and refused in email

BIDI = [*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))]


@pytest.mark.parametrize("control", BIDI, ids=ascii)
def test_bidi_controls_are_removed_from_name_and_phone_and_refused_in_email(control: str) -> None:
    changed = accepted(name=f"{control} A{control}da {control}", phone=f"{control}030 {control}12345{control}")
    assert (changed.name, changed.phone) == ("Ada", "030 12345")
    assert refused(email=f"{control}ada@example.com") == [("email", "invalid_email")]
    assert refused(name=control, phone=control) == [("name", "blank"), ("phone", "blank")]


# Clause: any other control (C0, C1), U+2028/2029 or noncharacter → 422

CONTROLS = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"] + ["\u2028", "\u2029"]
NONCHARACTERS = [
    *map(chr, range(0xFDD0, 0xFDF0)),
    *(chr(plane * 0x10000 + last) for plane in range(17) for last in (0xFFFE, 0xFFFF)),
]


@pytest.mark.parametrize("char", [*CONTROLS, *NONCHARACTERS], ids=ascii)
def test_controls_and_noncharacters_are_refused_in_a_line(char: str) -> None:
    changes = {
        field: f"{str(GOOD[field])[:2]}{char}{str(GOOD[field])[2:]}" for field in FIELD_NAMES if field != "message"
    }
    assert refused(**changes) == [
        ("name", "type"), ("phone", "invalid_phone"), ("email", "invalid_email"), ("lead_type_name", "type"),
    ]  # fmt: skip


def test_there_are_66_noncharacters() -> None:
    assert len(NONCHARACTERS) == 66


@pytest.mark.parametrize("field", FIELD_NAMES)
def test_half_a_surrogate_pair_is_refused_even_where_it_came_past_the_decoder(field: str) -> None:
    assert [name for name, _ in refused(**{field: "a\ud800b"})] == [field]


# Clause: Name: at least one visible character

INVISIBLE = [
    *"\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u061c\u180e\u00ad\u034f\u115f\u1160\u3164\uffa0\u2800\ufe0f",
    "\U000e0020",
    "\U000e0100",
    "\u2061",
]


@pytest.mark.parametrize("char", INVISIBLE, ids=ascii)
def test_a_name_of_invisible_characters_is_blank(char: str) -> None:
    assert refused(name=char) == [("name", "blank")]
    assert refused(name=f" {char} {char}{INVISIBLE[0]}\u00a0") == [("name", "blank")]


@pytest.mark.parametrize("char", [*INVISIBLE], ids=ascii)
def test_joiners_marks_and_fillers_inside_a_name_stay(char: str) -> None:
    assert accepted(name=f"A{char}da{char}").name == f"A{char}da{char}"


@pytest.mark.parametrize("name", ["-", ".", "李", "\u0301", "\ue000", "\ufffd", "👨‍👩‍👧", "א", "\u0e0a"])
def test_one_visible_character_is_a_name(name: str) -> None:
    assert accepted(name=name).name == name


# Clause: Message: CRLF and CR become LF; controls other than TAB and LF are dropped


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\r\nb\rc\nd", "a\nb\nc\nd"),
        ("a\r\r\nb", "a\n\nb"),
        ("a\tb", "a\tb"),
        ("form\ffeed \v vt", "formfeed  vt"),
        ("a\x00b".replace("\x00", "\x7f"), "ab"),
        ("a\x85b\x9bc", "abc"),
        ("\x1b[2J", "[2J"),
        ("\n  =1+1\n", "=1+1"),
        ("a\u2028b\u2029c", "a\u2028b\u2029c"),
        ("\u202e\u2066 mixed", "\u202e\u2066 mixed"),
        ("\ufeffBOM \ufdd0\uffff", "\ufeffBOM \ufdd0\uffff"),
        ("  a \n b  ", "a \n b"),
        ("\u200b", "\u200b"),
    ],
)
def test_a_message_keeps_its_lines_and_loses_its_controls(sent: str, kept: str) -> None:
    assert accepted(message=sent).message == kept


# The lead type: the name is only normalised here; which there are is for the rules to say


@pytest.mark.parametrize("name", ["sales", "SALES", "ＳＡＬＥＳ", "Sale\u017f", ".*", "1", "\u202eSales", "\u200b"])
def test_any_line_can_be_a_lead_type(name: str) -> None:
    assert accepted(lead_type_name=name).lead_type_name == name


# The cheap way and the careful way

ASCII = st.text(alphabet=[chr(code) for code in range(128)], max_size=220) | st.text(
    alphabet="aZ 0-\t\n\x00", max_size=220
)


@given(ASCII | st.text())
@settings(max_examples=500)
def test_the_cheap_tests_give_what_the_careful_way_gives(value: str) -> None:
    def outcome(field: str) -> object:
        checked = check({**GOOD, field: value})
        return getattr(checked, field) if isinstance(checked, Fields) else text.Bad(checked[0].code)

    line = text.line(value, 200, text.BIDI_CONTROLS)
    visible = isinstance(line, text.Bad) or text.is_visible(line)
    assert outcome("name") == (line if visible else text.BLANK)
    assert outcome("message") == text.message(value, 5000)
    kept = text.line(value, 100)
    assert outcome("lead_type_name") == (None if kept is text.BLANK else kept)


ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.text())
)


@given(st.dictionaries(st.sampled_from(FIELD_NAMES), ANYTHING | ASCII))
@settings(max_examples=500)
def test_whatever_is_sent_is_judged_and_what_is_kept_stays_as_it_is(sent: dict[str, object]) -> None:
    checked = check(sent)
    if isinstance(checked, list):
        assert checked
        assert [error.field for error in checked] == [
            field for field in FIELD_NAMES if field in {e.field for e in checked}
        ]
        return
    kept = {field: getattr(checked, field) for field in FIELD_NAMES}
    assert check(kept) == checked


@given(st.text(min_size=1), st.text(min_size=1))
def test_what_is_kept_is_in_nfc_and_safe_for_both_databases(name: str, message: str) -> None:
    checked = check({**GOOD, "name": name, "message": message})
    if isinstance(checked, Fields):
        for kept in filter(None, (checked.name, checked.message)):
            assert unicodedata.is_normalized("NFC", kept)
            assert "\0" not in kept
            assert kept.encode()


@pytest.mark.parametrize("field", FIELD_NAMES)
@pytest.mark.parametrize(
    "piece",
    ["A", " ", "\0", "1", "@", "a.", "a-", "(-", "\r\n", "\u202e", "\u0f73", "\u0301\u0316", "\U0001d160", "\u200b"],
    ids=ascii,
)
def test_64_kib_of_anything_do_not_hold_up_the_lane(field: str, piece: str) -> None:
    for _ in range(10):
        check({**GOOD, field: piece * (65_536 // len(piece.encode()))})
