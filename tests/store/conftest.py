from __future__ import annotations

import pytest

from stagewise.store.postgres_view import PostgresView
from stagewise.store.sqlite_view import SQLiteView
from tests.store.lab import Lab
from tests.support.installation import Installation


@pytest.fixture
def lab(installation: Installation) -> Lab:
    """A ledger's laboratory, on each database."""
    return Lab(installation)


@pytest.fixture
def frozen_clock(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> int:
    """The ledger's clock stands at this millisecond, plus ``lab.offset_ms``."""
    session = lab.session()
    now = session.read([lab.submission()]).now
    session.done()
    session.close()

    for view in (SQLiteView, PostgresView):
        make = view.__init__

        def stopped(self: SQLiteView | PostgresView, *args: object, _make: object = make) -> None:
            _make(self, *args)  # type: ignore[operator]
            self.now = now + lab.offset_ms

        monkeypatch.setattr(view, "__init__", stopped)
    return now
