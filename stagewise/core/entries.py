"""What is said of one entry that an owner typed into a list."""

from __future__ import annotations

import msgspec


class EntryCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one typed entry.

    ``value`` is the entry as it is to be kept, None when it cannot be used; then ``problem`` is a sentence that says
    why, and ``proposal``, where there is one, what was probably meant. ``changed``: the value differs from what was
    typed. ``everything``: the entry asks for what another setting does (the checkbox, an empty list).
    """

    value: str | None = None
    problem: str = ""
    proposal: str | None = None
    changed: bool = False
    everything: bool = False
