"""Fixtures for everybody. See tests/support for what they hand out.

Tests run on both databases: those that start real processes ask for ``installation``, which is given twice; those of
the Django apps run on the database that the environment variable STAGEWISE_TEST_ENGINE names, ``sqlite`` (the default)
or ``postgres``, and ``make test`` runs them once with each. With ``postgres`` all other tests are left out.

So that thousands of tests take minutes, what costs time is done once: installations, database servers and rows are
copies, commands are forks, and tests that only call a server share it with others of their module. Everything that is
written lives in memory, where there is room; ``make soak`` writes to the disk.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support import installation as installations
from tests.support import postgres, shared

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytest_plugins: list[str] = []

# Python keeps what it has compiled, here and in the thousand processes that the tests start, whatever the shell says.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

#: Which database the Django apps' tests use; kept under another name, because STAGEWISE_* belongs to the product.
ENGINE = "TESTS_ENGINE"


@pytest.hookimpl(tryfirst=True)  # pytest's own temporary folders are to be in ours
def pytest_configure(config: pytest.Config) -> None:
    """Give this process settings of its own, whatever the shell that started it has set."""
    config.stash[_owns_folder] = shared.open_folder(in_memory=config.option.markexpr != "soak")
    if config.stash[_owns_folder] and not config.option.basetemp:
        config.option.basetemp = shared.folder() / "pytest"
    os.environ[ENGINE] = os.environ.pop("STAGEWISE_TEST_ENGINE", "") or os.environ.get(ENGINE, "sqlite")
    for name in [name for name in os.environ if name.startswith("STAGEWISE_")]:
        del os.environ[name]
    data_dir = tempfile.mkdtemp(prefix="django-", dir=shared.folder())
    os.environ["STAGEWISE_DATA_DIR"] = data_dir
    os.environ["STAGEWISE_SECRET_KEY"] = installations.SECRET_KEY
    os.environ["SSL_CERT_FILE"] = _trusted_by_nobody()
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    os.environ["DJANGO_SETTINGS_MODULE"] = "stagewise.site.settings"
    if os.environ[ENGINE] == "postgres":
        os.environ["STAGEWISE_DATABASE_URL"] = shared.cluster_url()
    import django  # not before its settings can be read
    from django.conf import settings

    if os.environ[ENGINE] == "sqlite":
        # Said aloud, because pytest-xdist gives files (and what it does not know) a name per worker.
        settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = ":memory:"
    # Else every new test client reads all static files.
    settings.WHITENOISE_AUTOREFRESH = True
    django.setup()


def _trusted_by_nobody() -> str:
    """A file with one authority, which is all that TLS trusts here.

    Nothing is called that the public ones vouch for, and reading all of these takes longer than most tests.
    """
    file = shared.folder() / "authority.pem"
    if not file.exists():
        trustme.CA().cert_pem.write_to_path(file)
    return str(file)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With PostgreSQL for the Django apps, leave out what uses no database of theirs: it would be the same again."""
    if os.environ[ENGINE] == "postgres":
        ours = {item for item in items if _uses_django(item)}
        config.hook.pytest_deselected(items=[item for item in items if item not in ours])
        items[:] = [item for item in items if item in ours]


def _uses_django(item: pytest.Item) -> bool:
    names = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("django_db") is not None or not names.isdisjoint({"db", "transactional_db"})


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


@pytest.fixture(scope="module")
def _of_the_module() -> Iterator[dict[str, installations.Installation]]:
    made: dict[str, installations.Installation] = {}
    yield made
    for each in made.values():
        installations.remove(each)


@pytest.fixture
def shared_installation(
    engine: str, _of_the_module: dict[str, installations.Installation], tmp_path_factory: pytest.TempPathFactory
) -> installations.Installation:
    """One installation on each database for all tests of the module; for each of them as if it were new.

    What a test starts there goes on, so that the next one need not start it: see :attr:`Installation.running_intake`.
    """
    if engine not in _of_the_module:
        _of_the_module[engine] = installations.make(tmp_path_factory.mktemp("shared") / "data", engine)
    _of_the_module[engine].empty()
    return _of_the_module[engine]


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
    with installations.on_its_own(tmp_path / "data") as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The machine's Chromium."""
    from tests.support import visit  # most tests need no browser

    with visit.chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[installations.Server]:
    """A running installation with something on every page (tests/support/studio.py)."""
    made = installations.make(tmp_path_factory.mktemp("studio") / "data", "sqlite")
    made.helper("studio")
    yield made.serve()
    installations.remove(made)
