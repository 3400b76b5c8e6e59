"""What the documentation shows works as pasted."""

from __future__ import annotations

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import stagewise_client
from stagewise_client import AsyncClient, Client

from tests.support.installation import Installation, Server

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/client.md"
PAGES = [PAGE, ROOT / "clients/python/README.md"]


def programs(document: Path) -> list[str]:
    return re.findall(r"^```python\n(.+?)^```", document.read_text(), re.MULTILINE | re.DOTALL)


def pasted(program: str, server: Server, folder: Path) -> str:
    """Run a program in a new interpreter; returns what it printed."""
    url = f"http://127.0.0.1:{server.port}/public/v1/leads/{server.installation.key}"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "LEADS_ENDPOINT_URL": url},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert server.installation.key not in done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("document", PAGES, ids=lambda document: document.name)
def test_the_first_example_makes_a_lead(
    document: Path, installation: Installation, intake_server: Callable[..., Server], tmp_path: Path
) -> None:
    assert pasted(programs(document)[0], intake_server(), tmp_path).startswith("Created(id=")
    assert installation.count("lead") == 1


@pytest.mark.parametrize("engine", ["sqlite"])
def test_all_examples_of_the_page_work_one_after_the_other(
    installation: Installation, intake_server: Callable[..., Server], tmp_path: Path
) -> None:
    installation.save_rules(forwarding=True)
    printed = pasted("\n".join(programs(PAGE)), intake_server(), tmp_path)
    assert "phone This is no valid phone number." in printed
    assert "0 sent, 0 refused, 0 waiting" in printed
    assert "That is how it looks: rate_limited (429)" in printed
    assert printed.count("Created(") == 2
    assert printed.count("Held(") == 1
    assert installation.count("lead") == 4


MODULES = ["", ".client", ".errors", ".results", ".spool"]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_are_true(module: str) -> None:
    tested = doctest.testmod(importlib.import_module(f"stagewise_client{module}"), optionflags=doctest.ELLIPSIS)
    assert tested.failed == 0
    assert tested.attempted > 0 or module == ".results"


def test_everything_public_is_described() -> None:
    for name in stagewise_client.__all__:
        assert inspect.getdoc(getattr(stagewise_client, name)) or name == "Result", name


def test_both_clients_take_the_same_arguments() -> None:
    for blocking, looping in ((Client, AsyncClient), (Client.create_lead, AsyncClient.create_lead)):
        first, second = inspect.signature(blocking).parameters, inspect.signature(looping).parameters
        assert [(each.name, each.kind, each.default) for each in first.values()] == [
            (each.name, each.kind, each.default) for each in second.values()
        ]


def test_the_page_names_every_setting() -> None:
    table = PAGE.read_text().split("## Settings")[1]
    assert all(f"`{name}`" in table for name in inspect.signature(Client).parameters)


@pytest.mark.parametrize("heavy", ["httpx2", "sqlite3", "altcha"])
def test_importing_the_package_loads_nothing_heavy(heavy: str) -> None:
    program = f"import sys, stagewise_client.captcha; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
