"""A real intake that all tests of a module share, and what can stand in front of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack

import pytest

from stagewise.doctor import Report, Target, examine
from tests.support import installation as installations
from tests.support.double import Call, forward, serving
from tests.support.installation import Installation
from tests.support.postgres import free_port
from tests.support.processes import Answer

Meddle = Callable[[Call], "Answer | None"]


class Place:
    """An installation with a running intake, and the doctor's calls of it."""

    def __init__(self, installation: Installation, port: int) -> None:
        self.installation = installation
        self.port = port
        self.path = f"/public/v1/leads/{installation.key}"
        self.url = f"http://127.0.0.1:{port}{self.path}"

    def examine(
        self, port: int | None = None, *, origins: tuple[str, ...] = (), expect_refused: bool = False
    ) -> Report:
        """Examine the endpoint, at the intake itself or at what listens on another port in front of it."""
        url = f"http://127.0.0.1:{port or self.port}{self.path}"
        return examine(Target(url, origins, expect_refused, timeout=20))

    def behind(self, meddle: Callable[[Call], Call], after: Callable[[Call, Answer], Answer] | None = None) -> Report:
        """Examine the endpoint through a proxy that changes calls, and answers too."""

        def respond(call: Call) -> Answer:
            answer = forward(meddle(call), self.port)
            return answer if after is None else after(call, answer)

        with serving(respond) as port:
            return self.examine(port)

    def real_leads(self) -> int:
        """How many leads there are that are no test leads."""
        return self.installation.count("lead", "NOT test")

    def test_leads(self) -> int:
        """How many test leads there are."""
        return self.installation.count("lead", "test")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Started once, on SQLite: the doctor never sees the database."""
    made = installations.make(tmp_path_factory.mktemp("doctor") / "data", "sqlite")
    port = free_port()
    made.intake(port=port, public_url=f"http://127.0.0.1:{port}")
    yield Place(made, port)
    installations.remove(made)


@pytest.fixture
def place(running: Place) -> Place:
    """Without leads, and with the rules of a new endpoint."""
    for table in ("lead", "hit"):
        running.installation.sql(f"DELETE FROM {table}")
    running.installation.save_rules(
        enabled=True,
        allow_all_ips=False,
        allowed_ips=["127.0.0.1"],
        allowed_origins=[],
        max_leads_per_ip=10,
        forwarding=False,
        captcha={},
        holding={},
    )
    return running


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """``serve(respond)`` starts a double for the rest of the test and gives its port."""
    with ExitStack() as stack:

        def start(respond: Meddle, **options: object) -> int:
            double: AbstractContextManager[int] = serving(respond, **options)  # type: ignore[arg-type]
            return stack.enter_context(double)

        yield start
