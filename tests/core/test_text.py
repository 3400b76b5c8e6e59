"""NFC without being slowed down: whoever sends 20,000 combining marks must not hold up the others."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stagewise.core import text

MARKS = "\u0301\u0316\u0327\u0345\u05b0\u064b\u0f71\u0f73\u0f80\u3099e\u00e9\u1f82\uac00\u1161 "
LIMIT = 100_000


@given(st.text(alphabet=MARKS, max_size=40), st.integers(1, 400))
@example("\u0f73", 2500)
@example("a\u0301\u0316", 2500)
def test_long_texts_get_the_same_normal_form_as_short_ones(piece: str, times: int) -> None:
    assert text.nfc(piece * times, LIMIT) == unicodedata.normalize("NFC", piece * times)


@pytest.mark.parametrize("char", ["\u00e9", "\u1f82", "\ud55c", "\U0001d160", "\ufb2c", "a"])
def test_a_text_is_too_long_only_if_its_normal_form_is(char: str) -> None:
    for form in ("NFC", "NFD"):
        sent = unicodedata.normalize(form, char * 50)
        length = len(unicodedata.normalize("NFC", sent))
        assert text.nfc(sent, length) == unicodedata.normalize("NFC", sent)
        assert text.nfc(sent, length - 1) is None


def test_no_character_comes_apart_into_more_than_four() -> None:
    assert max(len(unicodedata.normalize("NFD", chr(code))) for code in range(0x110000)) == 4


def test_the_characters_that_hide_marks_are_the_three_that_are_known() -> None:
    def hides_marks(char: str) -> bool:
        return not unicodedata.combining(char) and unicodedata.combining(unicodedata.normalize("NFD", char)[0]) > 0

    assert [char for char in map(chr, range(0x110000)) if hides_marks(char)] == ["\u0f73", "\u0f75", "\u0f81"]


@pytest.mark.parametrize("marks", ["\u0f73" * 19_999, "\u0301" * 9_999 + "\u0316" * 9_999, "\u0345\u0301" * 9_999])
def test_marks_in_the_wrong_order_do_not_take_quadratic_time(marks: str) -> None:
    # The plain way would take a second for each of these, and minutes for all repetitions.
    for _ in range(20):
        text.nfc("a" + marks, 5_000)
