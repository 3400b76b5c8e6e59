"""The tests. Importing the package first puts our SQLite in place before any test module asks for ``sqlite3``."""

import stagewise

assert stagewise.sqlite_library.is_safe() or not stagewise.sqlite_library.is_bundled()
