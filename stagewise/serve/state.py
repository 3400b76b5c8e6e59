"""What state the database is in, found out without Django: a later start must not wait for a second's import."""

from __future__ import annotations

import importlib.util
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from stagewise import settings
from stagewise.settings import Settings
from stagewise.store import schema

#: Django's label of an app → where its migrations are. A test holds this against Django's own list.
APPS = {
    "accounts": "stagewise.accounts",
    "leads": "stagewise.leads",
    "endpoints": "stagewise.endpoints",
    "notify": "stagewise.notify",
    "auth": "django.contrib.auth",
    "contenttypes": "django.contrib.contenttypes",
    "sessions": "django.contrib.sessions",
    "account": "allauth.account",
    "mfa": "allauth.mfa",
    "usersessions": "allauth.usersessions",
}


class State(msgspec.Struct, frozen=True):
    """``current``: every migration of this release is applied, no other is, and the first workspace stands."""

    current: bool
    has_member: bool = False
    endpoint_key: str | None = None
    loopback_allowed: bool = False


def look(chosen: Settings) -> State:
    """Look at the database; whatever is not as it should be is left to ``stagewise migrate`` to mend or to explain."""
    try:
        return _state(_read_postgres(chosen) if chosen.uses_postgres else _read_sqlite(chosen), chosen)
    except (LookupError, sqlite3.Error):
        return State(current=False)


def on_disk() -> set[tuple[str, str]]:
    """All migrations of this release, as (app, name)."""
    found = set()
    for app, package in APPS.items():
        top, *rest = package.split(".")
        spec = importlib.util.find_spec(top)
        assert spec is not None
        assert spec.origin is not None
        folder = Path(spec.origin).parent.joinpath(*rest, "migrations")
        found |= {(app, file.stem) for file in folder.glob("*.py") if not file.stem.startswith("_")}
    return found


_APPLIED = "SELECT app, name FROM django_migrations"
_INSTALLATION = "SELECT schema_version, oldest_lane, key_fingerprint FROM installation WHERE id = 1"
_WORKSPACES = "SELECT count(*), (SELECT count(*) FROM member) FROM workspace"
_ENDPOINT = (
    "SELECT k.key, e.allow_all_ips OR CAST(e.allowed_ips AS text) LIKE '%\"127.0.0.1\"%'"
    " FROM endpoint e JOIN endpoint_key k ON k.endpoint_id = e.id AND k.retires_at IS NULL"
    " WHERE e.enabled ORDER BY e.id LIMIT 1"
)
_QUESTIONS = (_APPLIED, _INSTALLATION, _WORKSPACES, _ENDPOINT)

_Answers = list[list[tuple[object, ...]]]


def _read_sqlite(chosen: Settings) -> _Answers:
    if not chosen.sqlite_path.exists():
        raise LookupError
    with closing(sqlite3.connect(chosen.sqlite_path, timeout=5)) as database:
        return [database.execute(question).fetchall() for question in _QUESTIONS]


def _read_postgres(chosen: Settings) -> _Answers:
    import psycopg

    assert chosen.database_url is not None
    with psycopg.connect(chosen.database_url, connect_timeout=5, autocommit=True) as connection:
        try:
            return [connection.execute(question.encode()).fetchall() for question in _QUESTIONS]
        except psycopg.errors.UndefinedTable:
            raise LookupError from None


def _state(answers: _Answers, chosen: Settings) -> State:
    applied, installations, [(workspaces, members)], endpoints = answers
    ours = {(app, name) for app, name in applied if app in APPS}
    fingerprint = schema.key_fingerprint(settings.secret_key(chosen))
    expected = (schema.SCHEMA_VERSION, schema.OLDEST_LANE, fingerprint)
    if ours != on_disk() or installations != [expected] or not workspaces:
        return State(current=False)
    key, loopback = endpoints[0] if endpoints else (None, False)
    return State(
        current=True,
        has_member=bool(members),
        endpoint_key=None if key is None else str(key),
        loopback_allowed=bool(loopback),
    )
