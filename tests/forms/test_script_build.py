"""The script as it is built: small, alone, and the same program as its source."""

from __future__ import annotations

import gzip
import re

import pytest

from stagewise.pages.__main__ import build
from stagewise.pages.minify import minify

BUILT = build()["form.js"]


def test_the_script_has_less_than_six_kilobytes() -> None:
    assert len(gzip.compress(BUILT, 9)) < 6_000


def test_the_script_asks_nobody_else_and_needs_no_lenient_policy() -> None:
    text = BUILT.decode()
    assert re.findall(r"https?:", text) == []
    for word in ("eval", "Function(", "Worker", "innerHTML", "document.write", "import(", "style="):
        assert word not in text


def test_the_style_sheet_of_the_page_loads_nothing() -> None:
    sheet = build()["form.css"]
    assert b"url(" not in sheet
    assert b"@import" not in sheet


@pytest.mark.parametrize(
    ("source", "made"),
    [
        ("const a = 1; // why\nconst b = 2;\n", "const a=1;const b=2;"),
        ("/* head\n */\nf( a , b );", "f(a,b);"),
        ("return  x ;", "return x;"),
        ("a = 'it  // is' + \"a  /* string */\";", "a='it  // is'+\"a  /* string */\";"),
        ("a = `two\n  lines ${b}`;", "a=`two\n  lines ${b}`;"),
        ("a.replace( /[/ ]  \\/ '/g , b );", "a.replace(/[/ ]  \\/ '/g,b);"),
        ("a = b / 2 / c;", "a=b/2/c;"),
        ("a = b + +c - -d;", "a=b+ +c- -d;"),
        ("if (a) {\n  b();\n}\nc();", "if(a){b();}\nc();"),
        ("a = { b }\n[c]", "a={b}\n[c]"),
    ],
)
def test_comments_and_white_space_go_and_nothing_else(source: str, made: str) -> None:
    assert minify(source) == made + "\n"


def test_minifying_twice_changes_nothing_more() -> None:
    assert minify(BUILT.decode()).encode() == BUILT


def test_a_string_without_an_end_stops_the_build() -> None:
    with pytest.raises(ValueError, match="never ends"):
        minify("a = 'it is;\n")
