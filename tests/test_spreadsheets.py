"""Files that people open in a spreadsheet."""

from __future__ import annotations

import pytest

from stagewise import spreadsheets


@pytest.mark.parametrize("text", ["=1+1", "+49 30 1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1", "－1"])
def test_what_would_be_a_formula_is_text(text: str) -> None:
    assert spreadsheets.cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "text"), [(None, ""), (True, "yes"), (False, "no"), (12, "12"), ("a=b", "a=b")])
def test_other_values_are_as_people_write_them(value: object, text: str) -> None:
    assert spreadsheets.cell(value) == text


def test_a_file_has_a_header_and_a_line_for_each_row() -> None:
    assert "".join(spreadsheets.lines(["a", "b"], [["x,y", '"'], [1, None]])) == 'a,b\r\n"x,y",""""\r\n1,\r\n'
