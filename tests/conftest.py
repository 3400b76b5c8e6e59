"""Fixtures for everybody. See tests/support for what they hand out.

Tests run on both databases: those that start real processes ask for ``installation``, which is given twice; those of
the Django apps run on the database that the environment variable STAGEWISE_TEST_ENGINE names, ``sqlite`` (the default)
or ``postgres``, and ``make test`` runs them once with each.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import installation as installations
from tests.support import postgres, shared

pytest_plugins: list[str] = []

#: Which database the Django apps' tests use; kept under another name, because STAGEWISE_* belongs to the product.
ENGINE = "TESTS_ENGINE"


def pytest_configure(config: pytest.Config) -> None:
    """Give this process settings of its own, whatever the shell that started it has set."""
    config.stash[_owns_folder] = shared.open_folder()
    os.environ[ENGINE] = os.environ.pop("STAGEWISE_TEST_ENGINE", "") or os.environ.get(ENGINE, "sqlite")
    for name in [name for name in os.environ if name.startswith("STAGEWISE_")]:
        del os.environ[name]
    data_dir = tempfile.mkdtemp(prefix="django-", dir=shared.folder())
    os.environ["STAGEWISE_DATA_DIR"] = data_dir
    os.environ["STAGEWISE_SECRET_KEY"] = installations.SECRET_KEY
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "stagewise.site.settings"
    if os.environ[ENGINE] == "postgres":
        os.environ["STAGEWISE_DATABASE_URL"] = shared.cluster_url()
    import django  # not before its settings can be read
    from django.conf import settings

    if os.environ[ENGINE] == "sqlite":
        # Said aloud, because pytest-xdist gives files (and what it does not know) a name per worker.
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = ":memory:"
    django.setup()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave nothing behind."""
    if config.stash.get(_owns_folder, False):
        shared.close_folder()


_owns_folder = pytest.StashKey[bool]()


@pytest.fixture(params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """Each database in turn; ``@pytest.mark.parametrize("engine", ["sqlite"])`` asks for one of them."""
    return str(request.param)


@pytest.fixture
def installation(engine: str, tmp_path: Path) -> Iterator[installations.Installation]:
    """A fresh installation on each database; what it starts ends with the test."""
    made = installations.make(tmp_path / "data", engine)
    yield made
    installations.remove(made)


@pytest.fixture
def empty_installation(tmp_path: Path) -> Iterator[installations.Installation]:
    """An installation before its first start, on SQLite: an empty data directory, and no secret key."""
    made = installations.Installation(tmp_path / "empty", None, secret_key="")
    yield made
    installations.remove(made)


@pytest.fixture
def intake_server(installation: installations.Installation) -> Callable[..., installations.Server]:
    """``intake_server(workers=1, **settings)`` starts the installation's lane: see :meth:`Installation.intake`."""
    return installation.intake


@pytest.fixture
def serve(installation: installations.Installation) -> Callable[..., installations.Server]:
    """``serve(workers=1, **settings)`` starts all of the installation: see :meth:`Installation.serve`."""
    return installation.serve


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[postgres.Cluster, installations.Installation]]:
    """A PostgreSQL server that the test may stop and kill, with an installation in it."""
    with postgres.Cluster() as cluster:
        made = installations.make_in(cluster, tmp_path / "data")
        yield cluster, made
        made.close()
