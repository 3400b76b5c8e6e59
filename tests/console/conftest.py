from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from stagewise.accounts.models import User

    # pytest reads this file before Django is set up.
    from tests.support.cast import Cast


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody, and where they are: see tests/support/cast.py."""
    from tests.support import cast as casting

    return casting.assemble()


@pytest.fixture(autouse=True)
def _sources_as_they_are(settings: Settings) -> None:
    """Pages link the sources of their assets, whether or not somebody has collected them."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """``as_user(cast.olga)`` is a browser in which Olga is logged in."""

    def browser_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return browser_of
