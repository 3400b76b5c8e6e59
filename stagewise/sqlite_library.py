"""Choose the SQLite library of this process, once, for everybody in it.

Many systems still ship a SQLite inside the WAL-reset corruption bug (3.7.0 to 3.51.2,
https://sqlite.org/wal.html#walresetbug). ``pysqlite3`` bundles a newer one. Two SQLite libraries
on one file in one process break each other's POSIX locks, so the better one takes the place of
the standard module in ``sys.modules`` and everybody, Django included, imports that.
"""

from __future__ import annotations

import sys

#: The first release with the WAL-reset bug mended.
SAFE_VERSION = (3, 51, 3)


def install() -> None:
    """Put ``pysqlite3`` in the place of ``sqlite3``; keep the system's where there is no wheel."""
    try:
        import pysqlite3
        from pysqlite3 import dbapi2
    except ImportError:
        return
    sys.modules["sqlite3"] = pysqlite3
    sys.modules["sqlite3.dbapi2"] = dbapi2


def version() -> tuple[int, ...]:
    """The SQLite version that this process uses, as a tuple of integers."""
    import sqlite3

    return sqlite3.sqlite_version_info


def is_safe() -> bool:
    """Whether that version is free of the WAL-reset bug."""
    return version() >= SAFE_VERSION


def is_bundled() -> bool:
    """Whether it is the one that ``pysqlite3`` brings, not the system's."""
    return sys.modules.get("sqlite3") is sys.modules.get("pysqlite3", ...)
