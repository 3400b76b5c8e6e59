"""Writing many rows at once: on SQLite in large transactions, on PostgreSQL with COPY."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import connection, transaction

from stagewise.site import partitioning
from stagewise.site.filling.rows import COLUMNS, Rows

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Tables whose rows are counts: what is there already is added to.
_COUNTS = {
    "lead_slot": "workspace_id, slot, lead_type_id, endpoint_id",
    "attempt_counter": "endpoint_id, minute, outcome, process",
}
#: SQLite: a cache that holds the indexes whose places are random, in KiB; and fewer, larger parts of the text index.
_FASTER = ("PRAGMA cache_size = -1000000", "INSERT INTO lead_text(lead_text, rank) VALUES ('hashsize', 67108864)")
_USUAL = ("PRAGMA cache_size = -2000", "INSERT INTO lead_text(lead_text, rank) VALUES ('hashsize', 1048576)")


class Writer:
    """Writes rows into the tables of :data:`COLUMNS`; the oldest are of ``oldest`` (milliseconds since 1970)."""

    def __init__(self, oldest: int) -> None:
        self._oldest = oldest
        self._postgres = connection.vendor == "postgresql"

    def __enter__(self) -> Self:
        with connection.cursor() as cursor:
            if self._postgres:
                self._make_months()
            else:
                for statement in _FASTER:
                    cursor.execute(statement)
        return self

    def __exit__(self, *_: object) -> None:
        with connection.cursor() as cursor:
            if self._postgres:
                # Row ids were given by us.
                cursor.execute("SELECT setval(pg_get_serial_sequence('lead', 'id'), (SELECT max(id) FROM lead))")
                cursor.execute("ANALYZE")
            else:
                for statement in _USUAL:
                    cursor.execute(statement)

    def write(self, rows: Rows) -> int:
        """Write them in one transaction; returns how many leads there were."""
        with transaction.atomic():
            for table, of_table in rows.items():
                if table in _COUNTS:
                    self._count(table, of_table)
                elif self._postgres:
                    self._copy(table, of_table)
                else:
                    self._insert(table, of_table)
        return len(rows["lead"])

    def _insert(self, table: str, rows: list[tuple[Any, ...]], tail: str = "") -> None:
        columns = COLUMNS[table]
        values = ", ".join(["%s"] * len(columns))
        with connection.cursor() as cursor:
            # Names are those of COLUMNS.
            cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values}) {tail}", rows)  # noqa: S608

    def _count(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        self._insert(
            table, rows, f"ON CONFLICT ({_COUNTS[table]}) DO UPDATE SET count = {table}.count + excluded.count"
        )

    def _copy(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(COLUMNS[table])}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def _make_months(self) -> None:
        """PostgreSQL: the partitions that an older installation would have."""
        day = datetime.datetime.fromtimestamp(self._oldest / 1000, datetime.UTC).date().replace(day=1)
        today = datetime.datetime.now(datetime.UTC).date()
        with connection.cursor() as cursor:
            while day < today:
                for table in partitioning.TABLES:
                    partitioning.make_months(cursor, table, day)
                day = (day + datetime.timedelta(days=32)).replace(day=1)
