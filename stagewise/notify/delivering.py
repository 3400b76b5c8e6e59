"""Deliveries in the database: who works on which (a lease), and what became of each try.

A worker takes a lease on the deliveries that it is about to send. A lease that its worker did not end in time, because
it was killed, runs out, and any worker takes the delivery again: so an event arrives at least once, under one id.
Whoever comes back after its lease was given to somebody else changes nothing.

Deliveries of one lead to one channel are made in their order: one is due only when no earlier one waits.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from stagewise.accounts import audit
from stagewise.notify import schedule
from stagewise.notify.models import Channel, Delivery, DeliveryState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from stagewise.notify.channels import Outcome

#: How long a lease lasts, in seconds: longer than any try takes.
LEASE_S = 45

#: So much of what went wrong, and of what the receiver said, is kept.
PROBLEM_CHARS, ANSWER_CHARS = 500, 1_000

WHY_GONE = "The receiver answered 410 Gone: it wants no more."
WHY_FAILING = "Every try has failed for five days."


class Tried(NamedTuple):
    """One try of a delivery: what came of it, when it began (milliseconds since 1970), how long it took."""

    delivery: Delivery
    outcome: Outcome
    at: int
    took_ms: int


# Claiming


def due_channels(now: int, but: Collection[int] = ()) -> list[Channel]:
    """The channels that have something due, without those in ``but``."""
    found = Channel.objects.filter(enabled=True, paused_at=None).exclude(id__in=but)
    return list(found.filter(Exists(_due(now).filter(channel=OuterRef("pk")))))


def claim(channel: Channel, size: int, token: int, now: int) -> list[Delivery]:
    """Take a lease under ``token`` on at most ``size`` due deliveries of the channel, the longest due first.

    Of two workers that ask at once each gets others, and nobody waits for nobody.
    """
    due = _due(now).filter(channel=channel)
    first = list(due.order_by("next_at", "id").values_list("id", flat=True)[:size])
    if not first:
        return []
    with transaction.atomic():
        free = due.filter(id__in=first)
        if connection.vendor == "postgresql":
            free = free.select_for_update(skip_locked=True)
        claimed = list(free.order_by("next_at", "id"))
        ids = [each.pk for each in claimed]
        Delivery.objects.filter(id__in=ids).update(lease=token, lease_until=now + LEASE_S * 1_000)
    return claimed


def give_back(deliveries: Collection[Delivery], token: int) -> None:
    """End the lease on deliveries that were not tried: another worker may take them at once."""
    if deliveries:
        ids = [each.pk for each in deliveries]
        with transaction.atomic():
            Delivery.objects.filter(id__in=ids, lease=token).update(lease=0, lease_until=0)


def _due(now: int) -> QuerySet[Delivery]:
    """What is due and not leased: of each lead and channel the first that waits, if at all."""
    first = Delivery.objects.filter(
        channel_id=OuterRef("channel_id"), lead_id=OuterRef("lead_id"), state=DeliveryState.WAITING
    ).order_by("id")
    due = Delivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=now, lease_until__lte=now)
    # Compared with the first rather than "there is no earlier one": PostgreSQL makes a join of that, and without
    # statistics a very bad one.
    return due.filter(Q(lead_id=None) | Q(id=Subquery(first.values("id")[:1])))


# Settling

_MINE = "SELECT id FROM delivery WHERE id IN ({}) AND lease = %s AND state = 'waiting'"
_FAILING = "SELECT id FROM channel WHERE id IN ({}) AND failing_since IS NOT NULL"
_SETTLE = """
UPDATE delivery SET state = %s, tries = %s, next_at = %s, settled_at = %s, lease = 0, lease_until = 0 WHERE id = %s
"""
_TRY = """
INSERT INTO delivery_try (delivery_id, at, took_ms, status, problem, answer)
VALUES (%(delivery_id)s, %(at)s, %(took_ms)s, %(status)s, %(problem)s, %(answer)s)
"""


def settle(tried: Sequence[Tried], token: int, now: int, chance: Callable[[], float] = random.random) -> list[int]:
    """Write down what became of deliveries that this worker holds, in one transaction; returns the paused channels.

    Delivered, or to be tried again by the schedule, or failed. A delivery whose lease was lost meanwhile is passed
    over. The channel remembers since when everything fails, and is paused where that is due.
    """
    with transaction.atomic():
        ours = _still_ours([each.delivery.pk for each in tried], token)
        kept = [each for each in tried if each.delivery.pk in ours]
        if not kept:
            return []
        with connection.cursor() as cursor:
            cursor.executemany(_SETTLE, [_settled(each, now, chance) for each in kept])
            cursor.executemany(_TRY, [as_row(each) for each in kept])
        return _note_on_channels(kept, now)


def _still_ours(ids: Sequence[int], token: int) -> set[int]:
    statement = _MINE.format(", ".join(["%s"] * len(ids)))
    if connection.vendor == "postgresql":
        statement += " ORDER BY id FOR UPDATE"
    with connection.cursor() as cursor:
        cursor.execute(statement, [*ids, token])
        return {row_id for (row_id,) in cursor.fetchall()}


def _settled(tried: Tried, now: int, chance: Callable[[], float]) -> tuple[str | int | None, ...]:
    """The values of :data:`_SETTLE`."""
    delivery, outcome = tried.delivery, tried.outcome
    tries = delivery.tries + 1
    if not outcome.problem:
        return DeliveryState.DONE.value, tries, delivery.next_at, now, delivery.pk
    wait = None if outcome.final else schedule.wait_s(tries, outcome.retry_after_s, chance)
    if wait is None:
        return DeliveryState.FAILED.value, tries, delivery.next_at, now, delivery.pk
    return DeliveryState.WAITING.value, tries, now + round(wait * 1_000), None, delivery.pk


def as_row(tried: Tried) -> dict[str, Any]:
    """A try as its table keeps it, cut to a length that anybody wants to read."""
    problem, answer = (
        text.replace("\0", "")[:most]
        for text, most in ((tried.outcome.problem, PROBLEM_CHARS), (tried.outcome.answer, ANSWER_CHARS))
    )
    return {
        "delivery_id": tried.delivery.pk,
        "at": tried.at,
        "took_ms": tried.took_ms,
        "status": tried.outcome.status,
        "problem": problem,
        "answer": answer,
    }


def _note_on_channels(tried: Sequence[Tried], now: int) -> list[int]:
    """Since when each channel fails, and whether that is long enough; returns those that were paused."""
    by_channel: dict[int, list[Tried]] = {}
    for each in tried:
        by_channel.setdefault(each.delivery.channel_id, []).append(each)
    if not any(each.outcome.problem for each in tried) and not _failing(list(by_channel)):
        return []
    found = Channel.objects.filter(id__in=by_channel).order_by("id")
    return [channel.pk for channel in found if _note_on(channel, by_channel[channel.pk], now)]


def _failing(ids: Sequence[int]) -> list[int]:
    """Those that are failing. Asked after nearly every delivery, so it must cost next to nothing."""
    with connection.cursor() as cursor:
        cursor.execute(_FAILING.format(", ".join(["%s"] * len(ids))), ids)
        return [row_id for (row_id,) in cursor.fetchall()]


def _note_on(channel: Channel, tried: Sequence[Tried], now: int) -> bool:
    """Note one channel's tries; returns whether it was paused."""
    since = None if any(not each.outcome.problem for each in tried) else channel.failing_since
    if since is None and tried[-1].outcome.problem:
        since = tried[-1].at
    if since != channel.failing_since:
        Channel.objects.filter(pk=channel.pk).update(failing_since=since)
    if any(each.outcome.gone for each in tried):
        return pause(channel, WHY_GONE, now)
    failing = since is not None and now - since >= schedule.FAILING_MS
    return failing and pause(channel, WHY_FAILING, now)


def pause(channel: Channel, why: str, now: int, actor: str = "") -> bool:
    """Let the channel's deliveries wait; False: they did already. Call it inside a transaction."""
    changed = Channel.objects.filter(pk=channel.pk, paused_at=None).update(paused_at=now, paused_because=why)
    if changed:
        audit.record(channel.workspace, actor, "channel.paused", channel.name)
    return bool(changed)
