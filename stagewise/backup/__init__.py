"""Backups of an installation on SQLite: one file that holds all that a new machine needs (docs/backup.md)."""

from stagewise.backup.restoring import restore
from stagewise.backup.writing import back_up

__all__ = ["back_up", "restore"]
