"""Which database a lane serves.

Migrations write the version of the schema and the oldest lane that it serves into the row ``installation``; a lane
outside that range refuses to start rather than write rows that others misread.
"""

from __future__ import annotations

import hashlib

#: Version of the schema that this release's migrations make.
SCHEMA_VERSION = 3

#: The oldest lane whose SQL works on that schema.
OLDEST_LANE = 3

#: The version of the SQL in this package: raised whenever it needs a newer schema.
LANE_VERSION = 3


class SchemaError(Exception):
    """The database is not one that this lane serves; the message is one line that says what to run."""


def key_fingerprint(secret_key: str) -> str:
    """What the database remembers of the secret key: the first 16 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(secret_key.encode()).hexdigest()[:16]


def check(installation: tuple[int, int, str] | None, secret_key: str) -> None:
    """Compare the row (schema version, oldest lane, key fingerprint) with this lane; None: there is no such row.

    Raises :class:`SchemaError`.
    """
    if installation is None:
        raise SchemaError("the database is empty: run `stagewise migrate` (or `stagewise serve`, which does it)")
    schema, oldest, fingerprint = installation
    if schema < LANE_VERSION:
        raise SchemaError(
            f"the database has schema {schema}, this lane needs {LANE_VERSION}: run `stagewise migrate` first"
        )
    if oldest > LANE_VERSION:
        raise SchemaError(
            f"the database (schema {schema}) needs lanes of version {oldest} or newer, this is {LANE_VERSION}:"
            " update Stagewise on this machine"
        )
    check_key(fingerprint, secret_key)


def check_key(fingerprint: str, secret_key: str) -> None:
    """All machines on one database share the secret key: what one signs or encrypts, the others must read.

    Raises :class:`SchemaError`. An empty fingerprint fits every key: nobody has started yet.
    """
    if fingerprint and fingerprint != key_fingerprint(secret_key):
        raise SchemaError(
            "the database was set up with another secret key: give this machine the STAGEWISE_SECRET_KEY of the others"
        )
