"""A cache in front, set to keep whatever it may: nobody gets what was answered to somebody else."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.proxies.fronts import Nginx, path_of
from tests.support.installation import LEAD, Installation

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

OURS, OTHERS, STRANGERS = "https://ours.example", "https://others.example", "https://stranger.example"
#: Whose header an origin may see: its own, or none.
ALLOWED = {OURS: OURS, OTHERS: OTHERS, STRANGERS: None}


class Cache(Nginx):
    """nginx that keeps every answer for ten minutes, those to POST as well, unless the answer forbids it."""

    ignored = ""
    more = """proxy_cache_path {{folder}}/cache keys_zone=answers:1m;
    proxy_cache answers;
    proxy_cache_methods GET HEAD POST;
    proxy_cache_key $request_method$request_uri;
    proxy_cache_valid any 10m;
    {ignored}"""

    def __init__(self, nodes: list[int], folder: Path) -> None:
        self.more = self.more.format(ignored=f"proxy_ignore_headers {self.ignored};" if self.ignored else "")
        super().__init__(nodes, folder)


class Disobedient(Cache):
    """A cache that keeps even what says ``no-store``."""

    ignored = "Cache-Control"


class Blind(Cache):
    """A cache that does not look at ``Vary`` either: the control."""

    ignored = "Cache-Control Vary"


Answered = tuple[str, str, int, str | None, str | None]


@pytest.fixture
def asked(shared_installation: Installation, tmp_path: Path) -> Iterator[Callable[[type[Cache], int], list[Answered]]]:
    """Ask through such a cache so many times: (method, origin, status, allowed origin, request id) of each answer."""
    path_of("nginx")
    installation = shared_installation
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None, allowed_origins=[OURS, OTHERS])
    server = installation.intake(trusted_proxies="127.0.0.1")
    fronts: list[Cache] = []

    def ask(kind: type[Cache], rounds: int) -> list[Answered]:
        front = kind([server.port], tmp_path / kind.__name__)
        fronts.append(front)
        return [
            one(front.port, installation.key, method, origin)
            for _ in range(rounds)
            for method in ("OPTIONS", "POST", "GET")
            for origin in ALLOWED
        ]

    yield ask
    for front in fronts:
        front.end()


def one(port: int, key: str, method: str, origin: str) -> Answered:
    """One call through the cache; its body is always the same."""
    headers = {"Origin": origin, "Content-Type": "application/json"}
    if method == "OPTIONS":
        headers |= {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, f"/public/v1/leads/{key}", json.dumps(LEAD) if method == "POST" else None, headers)
        answer = connection.getresponse()
        answer.read()
        allowed = answer.headers.get("Access-Control-Allow-Origin")
        return method, origin, answer.status, allowed, answer.headers.get("X-Request-Id")
    finally:
        connection.close()


def mixed_up(answers: list[Answered]) -> list[Answered]:
    """The answers that carry another header than the one for their origin."""
    return [each for each in answers if each[3] != ALLOWED[each[1]]]


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [5, pytest.param(120, marks=pytest.mark.soak)])
def test_a_cache_keeps_no_answer_of_the_endpoint(
    asked: Callable[[type[Cache], int], list[Answered]], rounds: int
) -> None:
    answers = asked(Cache, rounds)
    assert mixed_up(answers) == []
    ids = [request_id for *_, request_id in answers]
    assert len(set(ids)) == len(answers), "an answer was given twice"
    assert {status for method, origin, status, *_ in answers if method == "POST"} == {201, 403}


@pytest.mark.slow
def test_even_a_cache_that_ignores_no_store_keeps_origins_apart(
    asked: Callable[[type[Cache], int], list[Answered]],
) -> None:
    answers = asked(Disobedient, 3)
    assert len({request_id for *_, request_id in answers}) < len(answers), "it keeps nothing, and this shows nothing"
    assert mixed_up(answers) == []


@pytest.mark.slow
def test_a_cache_that_looks_at_nothing_is_found_out(asked: Callable[[type[Cache], int], list[Answered]]) -> None:
    assert mixed_up(asked(Blind, 3)) != []
