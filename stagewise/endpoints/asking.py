"""The database as the lane's deciding code asks it, read by Django: for deciding what nobody has sent.

Nothing is locked and nothing is written. Each answer is what :mod:`stagewise.store` would read at this moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connection
from django.db.models import Count, Min

from stagewise.core.limits import WINDOW_MS, Window
from stagewise.endpoints.models import BoundKey, CaptchaPass, Hit, SeenMessage
from stagewise.leads.models import HeldLead, Lead
from stagewise.store.records import Bound, Earlier
from stagewise.store.rows import earlier_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from django.db.models import QuerySet

    from stagewise.store.view import Entry, Place

#: SQLite has no index for repeats, because the lane remembers the newest leads; so many are looked through here.
_NEWEST_LEADS: Final = 5_000


class Asking:
    """A :class:`stagewise.store.view.View` of this moment."""

    def __init__(self, now: int, entries: Mapping[str, Entry]) -> None:
        self.now = now
        self.entries = entries

    def bound(self, places: Iterable[Place]) -> dict[Place, Bound]:
        """The bound keys among these."""
        found = {}
        for endpoint_id, key in places:
            row = BoundKey.objects.filter(endpoint_id=endpoint_id, key=key).first()
            if row is not None:
                found[endpoint_id, key] = Bound(row.fingerprint, row.status, row.answer)
        return found

    def windows(self, places: Mapping[Place, int]) -> dict[Place, Window]:
        """The hits in the window of each place, whose limit is given."""
        found = {}
        for (endpoint_id, bucket), limit in places.items():
            hits = Hit.objects.filter(endpoint_id=endpoint_id, bucket=bucket, at__gt=self.now - WINDOW_MS)
            counted = hits.aggregate(count=Count("at"), oldest=Min("at"))
            nth = None
            if counted["count"] > limit:
                nth = hits.order_by("-at").values_list("at", flat=True)[limit - 1]
            found[endpoint_id, bucket] = Window(limit, counted["count"], counted["oldest"], nth)
        return found

    def earlier(self, marks: Collection[int], slots: tuple[int, int], *, held: bool) -> dict[int, Earlier]:
        """What bears these marks in one of the slots: leads, or leads that are held."""
        source: QuerySet[HeldLead] | QuerySet[Lead]
        if held:
            source, at = HeldLead.objects.filter(state="waiting"), "at"
        else:
            source, at = Lead.objects.all(), "created_at"
            if connection.vendor == "sqlite":
                newest = Lead.objects.order_by("-id").values_list("id", flat=True).first() or 0
                source = source.filter(id__gt=newest - _NEWEST_LEADS)
        rows = source.filter(repeat_slot__in=slots, repeat_hash__in=list(marks)).values_list(
            "repeat_hash", "public_id", at, "name", "phone", "email", "message", "id"
        )
        return {row[0]: earlier_of((row[1].hex, *row[2:]), held=held) for row in rows}

    def captcha_pass(self, place: Place, since: int) -> str | None:
        """The fingerprint with which a token has passed after ``since``; empty if it was before that."""
        row = CaptchaPass.objects.filter(endpoint_id=place[0], token_hash=place[1]).first()
        if row is None:
            return None
        return row.fingerprint if row.at > since else ""

    def seen_before(self, endpoint_id: int, message_hash: int, since: int) -> int:
        """How often a message has come, if it last came after ``since``."""
        found = SeenMessage.objects.filter(endpoint_id=endpoint_id, message_hash=message_hash, at__gt=since)
        return found.values_list("count", flat=True).first() or 0

    def held_waiting(self, endpoint_id: int) -> int:
        """How many held leads of an endpoint wait."""
        return HeldLead.objects.filter(endpoint_id=endpoint_id, state="waiting").count()

    def lead_ids(self, count: int) -> Sequence[int]:
        """Made-up row ids: nothing is written."""
        return range(1, count + 1)
