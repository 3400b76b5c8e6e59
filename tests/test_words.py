"""The console's words in other languages: all that is marked is collected, all that is collected is translated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_python
from babel.messages.pofile import read_po
from django.utils.translation import templatize

from stagewise.pages.words import PACKAGE, of_the_lane

LANGUAGES = sorted(path.parts[-3] for path in PACKAGE.glob("locale/*/LC_MESSAGES/django.po"))
#: What marks a text, and at which place the text itself stands.
MARKS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"), 0),
    **dict.fromkeys(("pgettext", "pgettext_lazy", "npgettext"), 1),
}
CALLS = re.compile(r"""(?:n?p?gettext|_)\((?:\s*u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\s*,?)+[^)]*\)""", re.DOTALL)
PLACES = re.compile(r"%\(\w+\)[sd]|%[sd]|%%|\{\w*\}|</?\w+[^>]*>")


def texts_of(source: bytes) -> Iterator[str]:
    """The marked texts of a module; of a pair with a plural the singular."""
    found: Any = extract_python(BytesIO(source), dict.fromkeys(MARKS), (), {})
    for _line, mark, texts, _comments in found:
        text = texts[MARKS[mark]] if isinstance(texts, tuple) and len(texts) > MARKS[mark] else texts
        if isinstance(text, str):
            yield text


def marked() -> set[str]:
    found = set(of_the_lane())
    for path in PACKAGE.rglob("*.py"):
        if "migrations" not in path.parts:
            found.update(texts_of(path.read_bytes()))
    for suffix in ("html", "txt"):
        for path in PACKAGE.glob(f"*/templates/**/*.{suffix}"):
            # Django writes a template anew as calls of gettext between crossed out words.
            calls = CALLS.findall(templatize(path.read_text(encoding="utf-8"), origin=str(path)))
            found.update(texts_of("\n".join(calls).encode()))
    return found - {""}


def catalog(language: str) -> Catalog:
    path = PACKAGE / "locale" / language / "LC_MESSAGES" / "django.po"
    with Path(path).open("rb") as file:
        return read_po(file)


def singular(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def test_there_is_a_language_that_runs_from_right_to_left() -> None:
    assert "ar" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_marked_and_what_translators_see_are_the_same(language: str) -> None:
    """If this fails: ``make words``, then translate what is empty."""
    collected = {singular(message) for message in catalog(language) if message.id}
    assert sorted(marked() - collected) == []
    assert sorted(collected - marked()) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated_and_keeps_what_the_program_fills_in(language: str) -> None:
    missing, broken = [], []
    found = catalog(language)
    for message in found:
        if not message.id:
            continue
        one, *more = [message.id] if isinstance(message.id, str) else message.id
        texts = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.fuzzy or not all(texts) or len(texts) != (found.num_plurals if more else 1):
            missing.append(one)
            continue
        # Of a number that is known (none, one, two), a language may say it without the figure.
        needed, allowed = sorted(PLACES.findall(one)), sorted(PLACES.findall(more[0] if more else one))
        positional = [place for place in allowed if place in {"%s", "%d"}]
        for text in texts:
            places = sorted(PLACES.findall(text))
            if not set(places) <= set(allowed) or [each for each in places if each in {"%s", "%d"}] != positional:
                broken.append((one, text))
        if sorted(PLACES.findall(texts[-1])) != allowed or (not more and places != needed):
            broken.append((one, texts[-1]))
    assert missing == []
    assert broken == []
    # What ``make assets`` would stumble over.
    assert [(message.id, errors) for message, errors in found.check()] == []
