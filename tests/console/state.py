"""What is in the database, so that tests can say that nothing changed."""

from __future__ import annotations

from django.apps import apps
from django.db import connection

#: Sessions, what allauth counts tries in, and the audit of denied tries may change by reading and trying.
LEFT_OUT = {"django_session", "console_cache"}


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of ours and of the libraries' apps, in order."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        if table in LEFT_OUT or table in found or not model._meta.managed:
            continue
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(cursor.fetchall(), key=str)
    return found
