"""What an owner types into the lists of the optional rules: words, and domains in the one spelling that is compared."""

from __future__ import annotations

import re

import idna

from stagewise.core import text
from stagewise.core.entries import EntryCheck

#: So many entries a list holds, and so many characters each.
MOST_ENTRIES, LONGEST = 500, 100

#: A host name in ASCII, or the end of one.
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
#: What people copy along: a scheme, a user, ``*.`` or ``@`` in front; a port, a path, the root's dot behind.
_IN_FRONT = re.compile(r"^(?:[a-z][a-z0-9+.-]*://)?(?:[^/@]*@)?(?:\*?\.)?", re.IGNORECASE)
_BEHIND = re.compile(r"(?::\d*)?(?:[/?#].*)?$", re.DOTALL)


def check_word(typed: str) -> EntryCheck:
    """A word or phrase: one line, in lower case, single spaces inside."""
    found = text.line(typed, LONGEST, without=text.BIDI_CONTROLS)
    if found == text.TOO_LONG:
        return EntryCheck(problem=f"A word or phrase has at most {LONGEST} characters.")
    if not isinstance(found, str) or not re.search(r"\w", found):
        return EntryCheck(problem="This is no word or phrase: it needs a letter or a digit.")
    value = " ".join(found.lower().split())
    return EntryCheck(value=value, changed=value != typed.strip().lower())


def check_domain(typed: str) -> EntryCheck:
    """A domain, such as ``spam.example``: lower case, names in other scripts as IDNA 2008 writes them (RFC 5891).

    Its subdomains count with it, so ``*.spam.example`` and ``@spam.example`` are the same entry.
    """
    host = _BEHIND.sub("", _IN_FRONT.sub("", typed.strip())).rstrip(".")
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        name = ""
    if len(name) > LONGEST:
        return EntryCheck(problem=f"A domain has at most {LONGEST} characters here.")
    if not _NAME.fullmatch(name):
        return EntryCheck(problem="This is no domain such as spam.example.")
    return EntryCheck(value=name, changed=name != typed.strip())
