"""Makes our one public script smaller: comments and white space go, everything else stays as it was written.

Not a general tool. It knows the JavaScript that ``stagewise/forms/form.js`` is written in: statements end in
semicolons, and a template literal holds no other template literal.
"""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""
      (?P<comment> /\*.*?\*/ | //[^\n]* )
    | (?P<text> "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`\\]|\\.)*` )
    | (?P<space> \s+ )
    | (?P<word> [\w$]+ )
    | (?P<mark> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
#: After these a ``/`` divides; after anything else it begins a regular expression.
_VALUE_ENDS = re.compile(r"[\w$)\]}\"'`]\Z")
_VALUE_BEGINS = re.compile(r"[\w$(\[{\"'`]")
_WORD_ENDS = re.compile(r"[\w$]\Z")
_WORD_BEGINS = re.compile(r"[\w$]")


def minify(source: str) -> str:
    """The script without comments and needless white space. Raises ``ValueError`` for a string that never ends."""
    made: list[str] = []
    gap, at = "", 0
    while at < len(source):
        before = made[-1] if made else ""
        found = (None if _VALUE_ENDS.search(before) else _REGEX.match(source, at)) or _TOKEN.match(source, at)
        assert found is not None  # every character is a token
        piece, kind, at = found[0], found.lastgroup, found.end()
        if kind in {"comment", "space"}:
            gap = "\n" if "\n" in gap + piece else " "
            continue
        if kind == "mark" and piece in "\"'`":
            raise ValueError(f"a string that never ends: {source[at - 1 : at + 40]!r}")
        made += [_kept(gap, before, piece), piece]
        gap = ""
    return "".join(made) + "\n"


def _kept(gap: str, before: str, after: str) -> str:
    """What has to stay of the white space between two tokens."""
    if not gap or not before:
        return ""
    if _WORD_ENDS.search(before) and _WORD_BEGINS.match(after):
        return gap
    if after in "+-" and before == after:
        return " "
    return gap if gap == "\n" and _VALUE_ENDS.search(before) and _VALUE_BEGINS.match(after) else ""
