"""Two nodes of one installation, and a real proxy in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxies.fronts import FRONTS, Front, path_of
from tests.support.installation import Installation, Server


class Nodes:
    """Two nodes over one PostgreSQL database, each ``stagewise intake`` with two processes, behind ``front``."""

    def __init__(self, installation: Installation, folder: Path, front: type[Front]) -> None:
        self.installation = installation
        self.machines = [installation, installation.node("second")]
        self.servers = [self.start(number) for number in range(2)]
        try:
            self.front = front(self.ports, folder / front.name)
        except AssertionError:
            self._close()
            raise

    @property
    def ports(self) -> list[int]:
        """The port of each node's intake; it stays the same when the node is started again."""
        return [server.port for server in self.servers]

    def start(self, number: int, port: int | None = None) -> Server:
        """Start this node and wait until it is ready."""
        return self.machines[number].intake(workers=2, port=port, trusted_proxies="127.0.0.1")

    def start_again(self, number: int) -> None:
        """Start this node, which has ended, on its port."""
        self.servers[number] = self.start(number, self.servers[number].port)

    def end(self) -> None:
        """End proxy and nodes."""
        self.front.end()
        self._close()

    def _close(self) -> None:
        for machine in self.machines:
            machine.close()


@pytest.fixture(params=sorted(FRONTS))
def front(request: pytest.FixtureRequest) -> type[Front]:
    """Each proxy in turn."""
    path_of(request.param)
    return FRONTS[request.param]


@pytest.fixture
def nodes(shared_installation: Installation, tmp_path: Path, front: type[Front]) -> Iterator[Nodes]:
    """Two nodes behind each proxy in turn; the test says ``engine``: only PostgreSQL serves two nodes."""
    made = Nodes(shared_installation, tmp_path, front)
    yield made
    made.end()
