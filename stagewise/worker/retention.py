"""Throw away what is no longer needed, in slices; on PostgreSQL whole months at once where a table is made of them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from functools import partial

from django.contrib.sessions.models import Session
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from stagewise import log
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import CacheRow, Workspace
from stagewise.leads import bulk, held, notes, trash
from stagewise.leads.models import Lead
from stagewise.notify.models import Alert
from stagewise.options import captcha, holding, testing
from stagewise.site import migrate, partitioning
from stagewise.worker.ageing import Ageing, longest_attempts
from stagewise.worker.slices import Slices

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

#: table → (column that holds its time, how long rows are kept in milliseconds, what its rows are ordered by).
#: A hit counts for 24 hours, a bound key is promised for 24: an hour more, for clocks that differ.
KEPT: dict[str, tuple[str, int, str]] = {
    "hit": ("at", 25 * HOUR_MS, "id"),
    "bound_key": ("at", 25 * HOUR_MS, "at"),
    "attempt": ("at", 90 * DAY_MS, "id"),
    "attempt_summary": ("hour", 90 * DAY_MS, "id"),
    "unknown_call": ("hour", 30 * DAY_MS, "id"),
    "event": ("at", 90 * DAY_MS, "id"),
    "lane_minute": ("minute", 30 * DAY_MS, "minute"),
    # Confirmations to who wrote: an address gets one in 24 hours.
    "acknowledgement": ("at", 25 * HOUR_MS, "id"),
    "seen_message": ("at", holding.REPEATED_WITHIN_MS, "at"),
    # How often a token called in a minute; only the minute that is now counts.
    "api_use": ("minute", HOUR_MS // 2, "id"),
    # An ALTCHA challenge that was solved must not pass again while it could.
    "captcha_pass": ("at", captcha.REMEMBERED_MS + captcha.CHALLENGE_S * 1000, "at"),
}
#: Of these, PostgreSQL forgets whole months: deleting millions of rows one by one costs more than they are worth.
BY_MONTH = {"attempt", "event"}

#: Counters are exact to the minute for this long, then to the hour.
MINUTES_KEPT_MS = 8 * DAY_MS
HOURS_KEPT_MS = 400 * DAY_MS
#: Alerts, after they were resolved.
ALERTS_KEPT_MS = 400 * DAY_MS

#: Changing the list of partitions needs a lock that everybody else would queue behind: not longer than this.
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '50ms'"

_log = log.Log("stagewise.worker")


def prune(slices: Slices, ageing: Ageing | None = None) -> int:
    """Delete rows that are older than they are kept; returns how many.

    ``ageing`` sees to what each workspace has periods of its own for; the worker keeps one.
    """
    now = now_ms()
    deleted = 0
    for table, (column, _, order) in KEPT.items():
        # What is left of such a table is the partition for rows that found no month.
        name = f"{table}_rest" if table in BY_MONTH and connection.vendor == "postgresql" else table
        deleted += slices.work(_deleting(name, column, order, now - kept_ms(table)))
    deleted += slices.work(_forget_sessions) + slices.work(_forget_cached) + slices.work(held.expire)
    deleted += slices.work(_forget_tests) + slices.work(_forget_alerts) + slices.work(bulk.forget)
    deleted += slices.work(trash.expire) + slices.work(notes.expire)
    deleted += (ageing or Ageing()).prune(slices, now)
    return deleted + merge_counters(slices, now)


def kept_ms(table: str) -> int:
    """How long rows of a table of :data:`KEPT` are kept, in milliseconds; calls as long as any workspace wants them."""
    return longest_attempts() * DAY_MS if table in {"attempt", "attempt_summary"} else KEPT[table][1]


def _forget_alerts(size: int) -> int:
    oldest = Alert.objects.order_by("id").values_list("pk", "resolved_at")[:size]
    old = [row_id for row_id, at in oldest if at is not None and at < now_ms() - ALERTS_KEPT_MS]
    Alert.objects.filter(pk__in=old).delete()
    return len(old)


def _forget_sessions(size: int) -> int:
    expired = Session.objects.filter(expire_date__lt=timezone.now()).values_list("pk", flat=True)[:size]
    return Session.objects.filter(pk__in=list(expired)).delete()[0]


def _forget_tests(size: int) -> int:
    oldest = Lead.objects.filter(test=True).order_by("id").values_list("pk", "created_at")[:size]
    old = [row_id for row_id, created_at in oldest if created_at < now_ms() - testing.DAYS_KEPT * DAY_MS]
    Lead.objects.filter(pk__in=old).delete()
    return len(old)


def _forget_cached(size: int) -> int:
    expired = CacheRow.objects.filter(expires__lt=timezone.now()).values_list("pk", flat=True)[:size]
    return CacheRow.objects.filter(pk__in=list(expired)).delete()[0]


def _deleting(table: str, column: str, order: str, before: int) -> Callable[[int], int]:
    # Rows are inserted in the order of their time, so the oldest are the first by id, and no index on time is needed.
    if table in partitioning.TABLES and connection.vendor == "postgresql":
        order = column  # the primary key of a partitioned table begins with it
    condition = " AND dispatched_at IS NOT NULL" if table.startswith("event") else ""
    statement = (
        f"DELETE FROM {table} WHERE id IN (SELECT id FROM (SELECT * FROM {table}"  # noqa: S608 - names from above
        f" ORDER BY {order} LIMIT %s) AS oldest WHERE {column} < %s{condition})"
    )

    def step(size: int) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [size, before])
            return int(cursor.rowcount)

    return step


def merge_counters(slices: Slices, now: int) -> int:
    """Make one row of the minutes of an hour, and of all processes, once they are old; forget the very old hours."""
    merged = 0
    for workspace in Workspace.objects.values_list("id", flat=True):
        merged += slices.work(partial(_merge_oldest_hour, workspace, now - MINUTES_KEPT_MS))
        merged += slices.work(partial(_forget_counters, workspace, now - HOURS_KEPT_MS))
    return merged


#: Who counted a merged row: all of them.
_ALL_PROCESSES = 0
_OF_HOUR = "workspace_id = %s AND minute >= %s AND minute < %s AND process <> 0"
_MERGE = f"""
INSERT INTO attempt_counter (workspace_id, endpoint_id, minute, outcome, process, count, detailed)
SELECT workspace_id, endpoint_id, CAST(%s AS bigint), outcome, {_ALL_PROCESSES}, sum(count), sum(detailed)
FROM attempt_counter WHERE {_OF_HOUR} GROUP BY workspace_id, endpoint_id, outcome
ON CONFLICT (endpoint_id, minute, outcome, process) DO UPDATE
SET count = attempt_counter.count + excluded.count, detailed = attempt_counter.detailed + excluded.detailed
"""  # noqa: S608 - constants


def _merge_oldest_hour(workspace: int, before: int, size: int) -> int:
    """Merge one hour, whatever its size; returns ``size`` for "there may be more", else 0."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(minute) FROM attempt_counter WHERE workspace_id = %s AND minute < %s AND process <> 0",
            [workspace, before - before % HOUR_MS],
        )
        row = cursor.fetchone()
        if row is None or row[0] is None:
            return 0
        hour = row[0] - row[0] % HOUR_MS
        of_hour = [workspace, hour, hour + HOUR_MS]
        cursor.execute(_MERGE, [hour, *of_hour])
        cursor.execute(f"DELETE FROM attempt_counter WHERE {_OF_HOUR}", of_hour)  # noqa: S608 - constants
    return size


def _forget_counters(workspace: int, before: int, size: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM attempt_counter WHERE id IN"
            " (SELECT id FROM attempt_counter WHERE workspace_id = %s AND minute < %s LIMIT %s)",
            [workspace, before, size],
        )
        return int(cursor.rowcount)


def make_partitions() -> None:
    """On PostgreSQL: make the tables of the coming months, drop those of which every row is too old."""
    if connection.vendor != "postgresql":
        return
    now = now_ms()
    today = datetime.datetime.fromtimestamp(now / 1000, datetime.UTC).date()
    for table in partitioning.TABLES:
        try:
            with migrate.alone(), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(_LOCK_TIMEOUT)
                partitioning.make_months(cursor, table, today)
                partitioning.drop_months(cursor, table, now - kept_ms(table))
        except DatabaseError as error:
            # Locked just now, or rows of that month are in the default partition already: both are safe to leave.
            _log.warning("partitions left as they are", table=table, error=str(error))
