"""Secrets of channels as they stand in the database."""

from __future__ import annotations

import pytest
from django.test import override_settings

from stagewise.notify import sealed


@pytest.mark.parametrize("text", ["", "whsec_abc", "https://hooks.slack.com/services/ä/ü/漢", "x" * 10_000])
def test_what_is_sealed_opens_again(text: str) -> None:
    assert sealed.open_sealed(sealed.seal(text)) == text


def test_a_sealed_text_shows_nothing_and_is_another_each_time() -> None:
    first, second = sealed.seal("whsec_secret"), sealed.seal("whsec_secret")
    assert first != second
    assert "secret" not in first + second


def test_under_another_secret_key_nothing_opens() -> None:
    kept = sealed.seal("whsec_secret")
    with override_settings(SECRET_KEY="another" * 8), pytest.raises(sealed.SealedError, match="STAGEWISE_SECRET_KEY"):
        sealed.open_sealed(kept)


def test_the_secret_key_itself_is_not_the_key() -> None:
    with override_settings(SECRET_KEY="k" * 32):
        kept = sealed.seal("whsec_secret")
    with override_settings(SECRET_KEY="k" * 33), pytest.raises(sealed.SealedError):
        sealed.open_sealed(kept)


@pytest.mark.parametrize("change", ["cut", "flip", "version", "no base64", "empty"])
def test_a_damaged_text_does_not_open(change: str) -> None:
    kept = sealed.seal("whsec_secret")
    damaged = {
        "cut": kept[:-8],
        "flip": kept[:20] + ("A" if kept[20] != "A" else "B") + kept[21:],
        "version": "2." + kept[2:],
        "no base64": "1.***",
        "empty": "",
    }[change]
    with pytest.raises(sealed.SealedError):
        sealed.open_sealed(damaged)
