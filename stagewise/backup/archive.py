"""The form of a backup: one line with the SHA-256 of all that follows, then a tar archive.

``tail -n +2 FILE | tar x`` takes it apart by hand. The line comes first so that a file of another kind is known at
once, and it covers everything else, so that not one changed byte goes unnoticed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Literal

import msgspec

#: Raised when an older release could not read what this one writes.
FORMAT = 1
_LINE = re.compile(rb"stagewise-backup ([0-9]{3}) sha256=([0-9a-f]{64})\n")
_LENGTH = 93
_CHUNK = 1024**2

#: By engine: what the database is called in the archive.
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
SECRET_KEY = "secret_key"  # noqa: S105 - the name of a file
CONFIGURATION = "stagewise.toml"
_MANIFEST = "manifest.json"


class BackupError(Exception):
    """A backup that cannot be written or used; the message is one line that says why."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself. ``at`` is when the copy was begun, in milliseconds since 1970, UTC."""

    stagewise: str
    schema: int
    engine: Literal["sqlite", "postgresql"]
    at: int
    #: Table → how many rows of it are in the backup.
    counts: dict[str, int]
    #: App and name of every migration, of a database that cannot be looked into before it is restored.
    migrations: list[tuple[str, str]] = []

    @property
    def database(self) -> str:
        """What the database is called in the archive."""
        return DATABASES[self.engine]


def write(path: Path, manifest: Manifest, files: dict[str, Path | bytes]) -> None:
    """Write a new file, readable by its owner alone, and see it on disk. Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w+b") as file:
        file.write(b"\0" * _LENGTH)
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name, content in {_MANIFEST: msgspec.json.encode(manifest), **files}.items():
                _add(archive, name, content)
        digest = _digest(file)
        file.seek(0)
        file.write(f"stagewise-backup {FORMAT:03} sha256={digest}\n".encode())
        file.flush()
        os.fsync(file.fileno())


def check(path: Path) -> Manifest:
    """Read all of it and return what it says of itself.

    Raises :class:`BackupError` for a file that is no backup, is damaged or of a newer form; ``OSError`` if it cannot
    be read.
    """
    with path.open("rb") as file:
        line = _LINE.fullmatch(file.read(_LENGTH))
        if line is None:
            raise BackupError(f"{path} is no backup of Stagewise, or its beginning is damaged")
        if int(line[1]) != FORMAT:
            raise BackupError(f"{path} was written by a newer Stagewise, or its beginning is damaged")
        if _digest(file) != line[2].decode():
            raise BackupError(f"{path} is damaged: its checksum does not fit; take another backup")
    with _opened(path) as archive:
        return msgspec.json.decode(_member(archive, _MANIFEST).read(), type=Manifest)


def names(path: Path) -> set[str]:
    """Which files are in it."""
    with _opened(path) as archive:
        return set(archive.getnames())


def take_out(path: Path, name: str, target: Path) -> None:
    """Write one of its files to a new one, readable by its owner alone, and see it on disk. Raises ``OSError``."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file, _opened(path) as archive:
        content = _member(archive, name)
        while chunk := content.read(_CHUNK):
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """See on disk what was renamed in the folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    with path.open("rb") as file:
        file.seek(_LENGTH)
        with tarfile.open(fileobj=file, mode="r:") as archive:
            yield archive


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    found = archive.extractfile(name)
    assert found is not None, f"{name} is no file"
    return found


def _add(archive: tarfile.TarFile, name: str, content: Path | bytes) -> None:
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as source:
        entry = tarfile.TarInfo(name)
        entry.mode = 0o600
        entry.size = source.seek(0, io.SEEK_END)
        source.seek(0)
        archive.addfile(entry, source)


def _digest(file: IO[bytes]) -> str:
    """Of all that follows the line; SHA-256 in hexadecimal."""
    file.seek(_LENGTH)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
