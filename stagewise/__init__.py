"""Stagewise: contact forms in, leads out, nothing lost on the way.

Importing the package puts the SQLite that we ship with in the place of the interpreter's own,
before anything can have opened a database (see :mod:`stagewise.sqlite_library`).
"""

from stagewise import sqlite_library

__version__ = "0.1.0"

sqlite_library.install()
