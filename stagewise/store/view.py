"""The database as one batch sees it: what deciding may ask, whichever database it is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from stagewise.core.limits import Window
from stagewise.core.policy import LeadTypes, Rules
from stagewise.options.compiled import Options
from stagewise.store.records import Bound, Earlier

#: (endpoint id, bucket), (endpoint id, Idempotency-Key), (endpoint id, hash of a token)
Place = tuple[int, str]


class Entry(msgspec.Struct, frozen=True):
    """What a key in a URL stands for at this moment."""

    rules: Rules
    types: LeadTypes
    retires_at: int | None
    options: Options

    def is_retired(self, now: int) -> bool:
        """Whether the key was rotated away and its overlap is over."""
        return self.retires_at is not None and self.retires_at <= now


class View(Protocol):
    """Plain reads; in the write lane they happen under its locks."""

    @property
    def now(self) -> int:
        """Milliseconds since 1970 by the database's clock, read after the lock."""

    @property
    def entries(self) -> Mapping[str, Entry]:
        """By key; unknown keys are absent."""

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The Idempotency-Keys among these that are bound."""

    def windows(self, places: Mapping[Place, int]) -> dict[Place, Window]:
        """The hits in the window of each place, whose limit is given."""

    def earlier(self, marks: Collection[int], slots: tuple[int, int], *, held: bool) -> dict[int, Earlier]:
        """What bears these marks (stagewise/store/repeats.py) in one of the slots: leads, or leads that are held."""

    def captcha_pass(self, place: Place, since: int) -> str | None:
        """The fingerprint with which a token has passed after ``since``; empty if it was before that, None if never."""

    def seen_before(self, endpoint_id: int, message_hash: int, since: int) -> int:
        """How often a message has come, if it last came after ``since``."""

    def held_waiting(self, endpoint_id: int) -> int:
        """How many held leads of an endpoint wait."""

    def lead_ids(self, count: int) -> Sequence[int]:
        """Row ids for so many new leads."""
