from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from tests.notify.alerts.lab import Lab


@pytest.fixture
def lab(workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A workspace, watched, on a disk with room."""
    from stagewise.checks import ENOUGH_SPACE
    from tests.notify.alerts.lab import Lab, set_free

    set_free(monkeypatch, 2 * ENOUGH_SPACE)
    return Lab(workspace, tmp_path)
