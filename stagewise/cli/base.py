"""What the sub-commands share: opening the installation, choosing the workspace, printing, and saying no."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from stagewise import orphans, settings

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Refused(Exception):
    """What was asked cannot be done; the message is one line that says why."""


def explain(error: Exception) -> str | None:
    """One line for an error that a person can do something about; None: it is a mistake of ours."""
    if isinstance(error, click.Abort):
        return "stopped"
    if isinstance(error, click.UsageError):
        where = error.ctx.command_path if error.ctx else "stagewise"
        return f"{_line(error.format_message())} (see `{where} --help`)"
    if isinstance(error, click.ClickException):
        return _line(error.format_message())
    if isinstance(error, Refused | settings.SettingsError):
        return _line(str(error))
    if isinstance(error, OSError):
        return _line(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    problems = getattr(error, "problems", None)  # an ActionError, whose module only Django's commands have imported
    if isinstance(problems, dict):
        return "; ".join(_line(f"{field}: {text}" if field else text) for field in problems for text in problems[field])
    return _explain_late(error)


def _explain_late(error: Exception) -> str | None:
    """Errors of modules that are known only if somebody has imported them."""
    for module, name, prefix in (
        ("stagewise.store.schema", "SchemaError", ""),
        ("stagewise.backup.archive", "BackupError", ""),
        ("stagewise.store.session", "StoreError", "the database cannot be used: "),
        ("django.db", "Error", "the database cannot be used: "),
        ("psycopg", "Error", "the database cannot be used: "),
        ("sqlite3", "Error", "the database cannot be used: "),
    ):
        kind = getattr(sys.modules.get(module), name, None)
        if kind is not None and isinstance(error, kind):
            return prefix + _line(str(error))
    return None


def _line(text: str) -> str:
    return " ".join(text.split())


def open_installation() -> None:
    """Set Django up over the installation, which must exist and have this release's schema."""
    ours = settings.load()
    if not ours.uses_postgres and not ours.sqlite_path.exists():
        raise Refused(f"there is no installation in {ours.data_dir}: run `stagewise serve` or set STAGEWISE_DATA_DIR")
    set_up_django()
    from stagewise.accounts.models import Installation
    from stagewise.site.settings import SECRET_KEY
    from stagewise.store import schema

    rows = Installation.objects.values_list("schema_version", "oldest_lane", "key_fingerprint")
    schema.check(rows.filter(id=1).first() if has_schema() else None, SECRET_KEY)


def set_up_django() -> None:
    """Make the models usable in this process."""
    settings.choose_django()
    import django

    django.setup()


def has_schema() -> bool:
    """Whether migrations have ever run on the database."""
    from django.db import connection

    return "installation" in connection.introspection.table_names()


def choose_workspace(slug: str | None) -> Workspace:
    """The workspace of ``--workspace``, or the only one."""
    from stagewise.accounts.models import Workspace

    known = list(Workspace.objects.order_by("id"))
    names = ", ".join(workspace.slug for workspace in known)
    if slug is not None:
        for workspace in known:
            if workspace.slug == slug:
                return workspace
        raise Refused(f"there is no workspace {slug!r}; there is {names or 'none yet'}")
    if not known:
        raise Refused("there is no workspace yet: `stagewise serve` and `stagewise migrate` make the first")
    if len(known) > 1:
        raise Refused(f"there are several workspaces: choose one with --workspace ({names})")
    return known[0]


def with_workspace(command: _Command) -> _Command:
    """Add ``--workspace``, which is needed only where there are several."""
    return click.option("--workspace", metavar="SLUG", help="Which workspace, where there are several.")(command)


def with_json(command: _Command) -> _Command:
    """Add ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")(command)


def with_parent(command: _Command) -> _Command:
    """Add ``--parent``, with which the supervisor starts its children."""
    return click.option("--parent", type=int, hidden=True, help="Process id to end with.")(command)


def watch(parent: int | None) -> None:
    """End this process when the supervisor that started it is gone, however it went."""
    if parent is not None:
        # Processes that we start watch us in turn, and a transaction cut off is none: nothing to put in order first.
        orphans.watch(parent, grace=0)


def show(found: dict[str, Any] | list[dict[str, Any]], as_json: bool) -> None:
    """Print an object, or a list of them: as JSON, or for people as ``name: value`` lines with blank lines between."""
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    objects = found if isinstance(found, list) else [found]
    blocks = ("\n".join(f"{name}: {_plain(value)}" for name, value in each.items()) for each in objects)
    click.echo("\n\n".join(blocks) if objects else "(none)")


def _plain(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case list():
            return ", ".join(_plain(each) for each in value) or "(empty)"
        case dict():
            pairs = (f"{name} {_plain(each) or '(empty)'}" for name, each in value.items())
            return str(value["name"]) if "name" in value else ", ".join(pairs)
    return str(value)
