from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.notify.outgoing.sinks import Sink, certified, running, trusting

if TYPE_CHECKING:
    from stagewise.notify.outbound import Outbound


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver on 127.0.0.1 that answers 200."""
    with running(Sink()) as made:
        yield made


@pytest.fixture
def other_sink() -> Iterator[Sink]:
    """Where nothing may ever arrive."""
    with running(Sink()) as made:
        yield made


@pytest.fixture
def client() -> Iterator[Callable[..., Outbound]]:
    """``client(*allow, resolve=…, tls=…)`` makes a client for outgoing calls, closed with the test."""
    from stagewise.notify.outbound import Outbound

    made: list[Outbound] = []

    def make(*allow: str, **more: Any) -> Outbound:
        made.append(Outbound(allow, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def shared(client: Callable[..., Outbound], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outbound]:
    """As ``client``, and the channels use it."""
    from stagewise.notify import outbound

    def use(*allow: str, **more: Any) -> Outbound:
        made = client(*allow, **more)
        monkeypatch.setattr(outbound, "shared", lambda: made)
        return made

    return use


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def as_host(authority: trustme.CA, shared: Callable[..., Outbound]) -> Iterator[Callable[[str], Sink]]:
    """``as_host("hooks.example.com")``: a TLS receiver that has this name, as far as the channels can tell."""
    made: list[Sink] = []

    def become(host: str) -> Sink:
        sink = Sink(tls=certified(authority, host))
        made.append(sink)
        shared("127.0.0.1", resolve=lambda _name, _port: [("127.0.0.1", sink.port)], tls=trusting(authority))
        return sink

    yield become
    for each in made:
        each.close()
