"""``make words``: collects what the console says, for translators (stagewise/locale).

Django's ``makemessages`` finds the texts that are marked in code and templates. The lane knows nothing of gettext: its
tables of refusals, notes and field errors are put beside the marked ones here, as a file that lives only meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.core.management import execute_from_command_line

from stagewise.core import fields, refusal

PACKAGE = Path(__file__).parents[1]


def of_the_lane() -> Iterator[str]:
    """Texts of the lane that the console shows to people, each once."""
    for each in refusal.REFUSALS.values():
        yield from (each.title, each.in_words, each.mend)
    for code, (_status, in_words) in refusal.ACCEPTED.items():
        yield from (code.replace("_", " ").capitalize(), in_words)
    yield from refusal.NOTES.values()
    yield from fields.DETAILS


def main() -> None:
    """Bring every language's file up to date; what is new in it is empty."""
    meanwhile = PACKAGE / "words_of_the_lane.py"
    texts = dict.fromkeys(text for text in of_the_lane() if text)
    meanwhile.write_text("".join(f"gettext({text!r})\n" for text in texts), encoding="utf-8")
    try:
        shape = ("--no-wrap", "--no-location", "--no-obsolete", "--ignore", "static_files/*")
        execute_from_command_line(["django", "makemessages", "--all", *shape])
    finally:
        meanwhile.unlink()


if __name__ == "__main__":
    main()
