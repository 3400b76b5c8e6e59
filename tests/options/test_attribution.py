"""Where a lead came from on the web: kept if usable, never a reason to refuse."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagewise.options import attribution, signals
from stagewise.options.attribution import Attribution

ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


def test_what_is_usable_is_kept() -> None:
    sent = {"page_url": "https://a.example/p?x=1", "utm_source": " news ", "gclid": "Cj0", "msclkid": "m"}
    assert attribution.read(sent) == Attribution(
        page_url="https://a.example/p?x=1", utm_source="news", click_ids={"gclid": "Cj0", "msclkid": "m"}
    )


def test_nothing_usable_is_nothing_at_all() -> None:
    assert attribution.read({}) is None
    assert attribution.read({"utm_source": "", "page_url": 5, "unknown": "x"}) is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/contact", "ftp://a.example", " "])
def test_a_page_that_is_no_web_address_is_dropped(url: str) -> None:
    assert attribution.read({"page_url": url, "utm_term": "t"}) == Attribution(utm_term="t")


def test_what_is_too_long_is_cut() -> None:
    found = attribution.read({"referrer": "https://a.example/" + "x" * 5_000, "utm_content": "y" * 5_000})
    assert found is not None
    assert (len(found.referrer or ""), len(found.utm_content or "")) == (1_000, 200)


def test_controls_and_direction_marks_are_dropped() -> None:
    assert attribution.read({"utm_source": "a\x00b\u202ec\u2028d\ud800e"}) == Attribution(utm_source="abcde")


@given(st.dictionaries(st.sampled_from([*signals.NAMES, "other"]), ANYTHING))
def test_whatever_is_sent_reading_it_never_fails_and_can_be_stored(sent: dict[str, Any]) -> None:
    found = signals.read(sent)
    kept = found.attribution
    if kept is not None:
        texts = [kept.page_url, kept.referrer, kept.utm_source, kept.utm_term, *kept.click_ids.values()]
        for text in filter(None, texts):
            text.encode()
            assert len(text) <= attribution.URL_LIMIT
            assert "\0" not in text
