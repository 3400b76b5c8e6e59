"""Entries of the allowed origins, as owners type them, and the twin that they forget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagewise.core.origins import check_entry, twin


@pytest.mark.parametrize(
    "typed",
    [
        "https://yoursite.com",
        "https://www.yoursite.com",
        "http://localhost:3000",
        "https://192.0.2.10:8443",
        "https://[2001:db8::1]",
        "https://xn--mnchen-3ya.de",
        "https://my_site.example.com",
    ],
)
def test_an_origin_in_the_spelling_of_browsers_is_kept(typed: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.changed, check.problem) == (typed, False, "")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("https://YourSite.com/", "https://yoursite.com"),
        ("HTTPS://yoursite.com", "https://yoursite.com"),
        ("https://yoursite.com:443", "https://yoursite.com"),
        ("http://yoursite.com:80/", "http://yoursite.com"),
        ("http://yoursite.com:443", "http://yoursite.com:443"),
        ("https://yoursite.com:", "https://yoursite.com"),
        ("https://yoursite.com:08443", "https://yoursite.com:8443"),
        ("https://yoursite.com/contact?a=b#c", "https://yoursite.com"),
        ("https://yoursite.com?a=https://b", "https://yoursite.com"),
        ("https://münchen.de", "https://xn--mnchen-3ya.de"),
        ("https://MÜNCHEN.de", "https://xn--mnchen-3ya.de"),
        ("https://ｅｘａｍｐｌｅ.com", "https://example.com"),
        ("https://[2001:DB8:0:0::1]:443", "https://[2001:db8::1]"),
        ("  https://yoursite.com ", "https://yoursite.com"),
    ],
)
def test_an_origin_is_brought_into_the_spelling_of_browsers(typed: str, value: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.problem) == (value, "")
    assert check.changed == (typed.strip() != value)


@pytest.mark.parametrize(
    ("typed", "proposal"),
    [
        ("yoursite.com", "https://yoursite.com"),
        ("//yoursite.com", "https://yoursite.com"),
        ("YourSite.com/contact", "https://yoursite.com"),
        ("localhost:3000", "https://localhost:3000"),
        ("*.yoursite.com", "https://yoursite.com"),
        ("https://*.yoursite.com", "https://yoursite.com"),
        ("https://ada:secret@yoursite.com", "https://yoursite.com"),
    ],
)
def test_a_slip_is_refused_with_what_was_probably_meant(typed: str, proposal: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.proposal) == (None, proposal)
    assert check.problem


@pytest.mark.parametrize(
    "typed",
    [
        "", " ", "null", "NULL", "https://", "https:///x", "ftp://yoursite.com", "file://", "chrome-extension://abcdef",
        "javascript:alert(1)", "https://yoursite.com, https://other.com", "https://your site.com", "https://yoursite..com",
        "https://yoursite.com.", "https://-a.com", "https://yoursite.com:0", "https://yoursite.com:65536", "https://yoursite.com:x",
        "https://127.1", "https://1.2.3.400", "https://0x7f.1", "https://[::1", "https://[v1.x]", "https://[::1%25eth0]",
        "https://yoursite.com%00.evil.example", "https://yoursite.com`.evil.example", "https://a.com\\@evil.example",
        "https://*", "https://a*b.com", "https://" + "a" * 64 + ".com", "https://" + "a." * 130 + "com", "https://\u200b.com",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_refused_with_a_reason(typed: str) -> None:
    check = check_entry(typed)
    assert check.value is None
    assert check.problem


def test_every_website_is_left_to_the_empty_list() -> None:
    check = check_entry("*")
    assert check.everything
    assert "empty" in check.problem


@given(st.text(alphabet="https:/w.*@[]?#%_-0159xn axü\\") | st.text())
def test_any_entry_gets_a_verdict(typed: str) -> None:
    check = check_entry(typed)
    assert (check.value is None) == bool(check.problem)
    for value in filter(None, (check.value, check.proposal)):
        again = check_entry(value)
        assert (again.value, again.changed) == (value, False)
        assert value.isascii()


@pytest.mark.parametrize(
    ("origin", "other"),
    [
        ("https://yoursite.com", "https://www.yoursite.com"),
        ("http://yoursite.com:8080", "http://www.yoursite.com:8080"),
        ("https://yoursite.co.uk", "https://www.yoursite.co.uk"),
    ],
)
def test_the_twin_of_a_site_is_the_one_with_www_and_the_other_way_round(origin: str, other: str) -> None:
    assert twin(origin) == other
    assert twin(other) == origin


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:3000",
        "https://192.0.2.10",
        "https://[2001:db8::1]:8443",
        "https://shop.yoursite.com",
        "https://www.shop.yoursite.com",
    ],
)
def test_addresses_and_other_subdomains_have_no_twin(origin: str) -> None:
    assert twin(origin) is None
