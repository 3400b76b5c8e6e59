"""The time by which rules are compared: the database's clock, so that all nodes mean the same moment."""

from __future__ import annotations

import time

from django.db import connection


def now_ms() -> int:
    """Milliseconds since 1970, UTC. SQLite lives in this machine; PostgreSQL is asked."""
    if connection.vendor != "postgresql":
        return time.time_ns() // 1_000_000
    with connection.cursor() as cursor:
        cursor.execute("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
        row = cursor.fetchone()
    assert row is not None
    return int(row[0])
