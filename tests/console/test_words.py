"""Small words: times, numbers, first lines."""

from __future__ import annotations

import pytest

from stagewise.console.templatetags.console import ago, first_line, thousands

NOW = 1_800_000_000_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (9, "just now"),
        (10, "10 seconds ago"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (3599, "59 minutes ago"),
        (3600, "1 hour ago"),
        (86_399, "23 hours ago"),
        (86_400, "1 day ago"),
        (29 * 86_400, "29 days ago"),
        (30 * 86_400, "1 month ago"),
        (364 * 86_400, "12 months ago"),
        (365 * 86_400, "1 year ago"),
        (-3600, "in 1 hour"),
        (-86_400 * 2, "in 2 days"),
    ],
)
def test_a_moment_is_said_in_the_largest_unit_that_fits(seconds: int, words: str) -> None:
    assert ago(NOW - seconds * 1000, NOW) == words


@pytest.mark.parametrize(
    ("text", "line"), [(None, ""), ("", ""), ("one", "one"), ("\n \n two\nthree", " two"), ("a\u2028b", "a")]
)
def test_the_first_line_is_the_first_with_something_on_it(text: str | None, line: str) -> None:
    assert first_line(text) == line


def test_large_numbers_have_commas() -> None:
    assert thousands(1234567) == "1,234,567"
