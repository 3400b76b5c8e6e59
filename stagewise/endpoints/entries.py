"""What an owner types into the lists of an endpoint, checked entry by entry.

The rules for one entry are the lane's own (``stagewise.core``); here they become lists, sentences and limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from stagewise.core import addresses, origins
from stagewise.options import entries as options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from stagewise.core.entries import EntryCheck

#: More blocks than this belong into a firewall.
MOST_ENTRIES = 10_000

#: Most characters of a note.
LONGEST_NOTE = 60

#: So many bad entries are named one by one; the rest is counted.
_MOST_SENTENCES = 20


class Checked(NamedTuple):
    """A list as typed, checked: canonical ``values`` without repeats, ``problems`` and ``notes`` as sentences."""

    values: list[str]
    problems: list[str]
    #: What is kept in another spelling than it was typed.
    notes: list[str]


def check_ips(typed: Iterable[str]) -> Checked:
    """Check allowed IPs: addresses and CIDR blocks. "Everything" is refused in favour of the checkbox."""
    return _check(typed, addresses.check_entry)


def check_origins(typed: Iterable[str]) -> Checked:
    """Check allowed CORS origins, such as ``https://yoursite.com``."""
    return _check(typed, origins.check_entry)


def check_words(typed: Iterable[str]) -> Checked:
    """Check words and phrases that make a lead suspicious."""
    return _check(typed, options.check_word, options.MOST_ENTRIES)


def check_domains(typed: Iterable[str]) -> Checked:
    """Check domains, such as ``spam.example``."""
    return _check(typed, options.check_domain, options.MOST_ENTRIES)


def missing_twins(allowed: list[str]) -> list[str]:
    """For each origin its ``www`` (or bare) twin, if that is not allowed yet."""
    twins = (origins.twin(origin) for origin in allowed)
    return list(dict.fromkeys(twin for twin in twins if twin is not None and twin not in allowed))


def split(text: str) -> list[str]:
    """The entries of a text: one a line, or several with commas or semicolons between them."""
    lines = text.replace(",", "\n").replace(";", "\n").splitlines()
    return [entry for line in lines if (entry := line.strip())]


def split_noted(text: str) -> tuple[list[str], dict[str, str]]:
    """The entries of a text, and what stands behind a ``#`` on their lines: a note for each of the line's entries."""
    found: list[str] = []
    notes: dict[str, str] = {}
    for line in text.splitlines():
        before, _, note = line.partition("#")
        of_line = split(before)
        found += of_line
        if note.strip():
            notes |= dict.fromkeys(of_line, note)
    return found, notes


def kept_notes(typed: Mapping[str, str]) -> dict[str, str]:
    """Notes by the entry as it is kept, one line each and cut; those of entries that cannot be kept are left out."""
    kept = {}
    for entry, note in typed.items():
        value = addresses.check_entry(entry).value
        words = " ".join("".join(filter(str.isprintable, " ".join(note.split()))).split())[:LONGEST_NOTE].strip()
        if value is not None and words:
            kept[value] = words
    return kept


def with_notes(listed: Iterable[str], notes: Mapping[str, str]) -> list[str]:
    """The lines that :func:`split_noted` reads back."""
    return [f"{entry}  # {notes[entry]}" if entry in notes else entry for entry in listed]


def _check(typed: Iterable[str], check_entry: Callable[[str], EntryCheck], most: int = MOST_ENTRIES) -> Checked:
    values: dict[str, None] = {}
    problems: list[str] = []
    notes: list[str] = []
    entries = [entry for text in typed if (entry := text.strip())]
    if len(entries) > most:
        return Checked([], [f"At most {most:,} entries fit; these are {len(entries):,}."], [])
    for number, entry in enumerate(entries, 1):
        check = check_entry(entry)
        if check.value is None or check.problem or check.everything:
            problems.append(_sentence(number, entry, check))
            continue
        if check.changed and check.value not in values:
            notes.append(f"“{_short(entry)}” is kept as {check.value}.")
        values[check.value] = None
    return Checked(list(values), _cut(problems), _cut(notes))


def _sentence(number: int, entry: str, check: EntryCheck) -> str:
    text = f"Entry {number}, “{_short(entry)}”: {check.problem}"
    return f"{text} Did you mean {check.proposal}?" if check.proposal else text


def _short(entry: str) -> str:
    return entry if len(entry) <= 80 else entry[:79] + "…"


def _cut(sentences: list[str]) -> list[str]:
    more = len(sentences) - _MOST_SENTENCES
    return sentences if more <= 0 else [*sentences[:_MOST_SENTENCES], f"… and {more:,} more like these."]
