from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from pytest_django import Settings

if TYPE_CHECKING:
    # pytest reads this file before Django is set up.
    from stagewise.accounts.models import User
    from tests.api.program import Program
    from tests.support.cast import Cast


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, and where they are: see tests/support/cast.py."""
    from tests.support import cast as casting

    return casting.assemble()


@pytest.fixture
def of_user() -> Callable[..., Program]:
    """``of_user(cast.agnes, scopes=…)`` is a program with a token of hers; all scopes of her role unless some are
    named."""
    from tests.api import program

    def made(user: User, **chosen: object) -> Program:
        return program.of(user, **chosen)  # type: ignore[arg-type]

    return made
