from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from pytest_django import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from stagewise.accounts.models import User

    # pytest reads this file before Django is set up.
    from tests.notify.workbench import Recorder
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


@pytest.fixture(scope="session", autouse=True)
def _help_as_it_is_written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Help shows what docs/ says now, whether or not somebody has built it."""
    from stagewise.console import guide
    from stagewise.pages.__main__ import build, write

    folder = tmp_path_factory.mktemp("pages") / "public_files"
    write(build(), folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(guide, "FOLDER", folder / "docs")
        guide.pages.cache_clear()
        yield


@pytest.fixture
def as_user() -> Callable[[User], Client]:
    """``as_user(cast.olga)`` is a browser in which Olga is logged in."""

    def browser_of(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return browser_of


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A kind of channel whose receiver is the test: see tests/notify/workbench.py."""
    from stagewise.notify import channels
    from tests.notify.workbench import Recorder

    made = Recorder()
    monkeypatch.setitem(channels._known, made.name, made)
    return made
