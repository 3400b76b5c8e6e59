"""What is in the database, so that tests can say that nothing changed."""

from __future__ import annotations

from django.apps import apps
from django.db import connection

#: Sessions, what allauth counts tries in, and the audit of denied tries may change by reading and trying.
LEFT_OUT = {"django_session", "console_cache"}
#: When somebody looked last is noted by looking.
COLUMN_LEFT_OUT = {"member": "last_seen_at"}


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of ours and of the libraries' apps, in order."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in LEFT_OUT or table in found or not model._meta.managed:
            continue
        with connection.cursor() as cursor:
            left_out = COLUMN_LEFT_OUT.get(table)
            columns = (field.column for field in model._meta.local_fields if field.column != left_out)
            names = ", ".join(f'"{column}"' for column in columns)
            cursor.execute(f'SELECT {names} FROM "{table}"')
            found[table] = sorted(cursor.fetchall(), key=str)
    return found
