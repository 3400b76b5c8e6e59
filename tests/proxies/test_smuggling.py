"""Whole connections byte by byte, as attackers send them, through a proxy that keeps its connections to the node.

Proxy and node must agree on where a request ends. If they did not, the next caller's request, which goes over the same
connection, would get an answer that is not its own, or a lead would be stored that nobody was told about.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.corpus.rows import ROWS, Row
from tests.intake.wire import Answer, exchange, post
from tests.proxies.fronts import Front, HAProxy
from tests.support.installation import LEAD, Installation

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])

CONNECTIONS = [row for row in ROWS if row.connection is not None]
#: These run into a deadline of ten seconds: every so many rounds, so only in the long form.
PATIENT, PATIENT_EVERY = {row.id for row in CONNECTIONS if 408 in row.statuses}, 20
#: nginx's own answer to a transfer coding that it does not know (RFC 9112, section 6.1).
UNKNOWN_CODING = 501
#: How long an answer is waited for where a proxy may wait for more of the request, in seconds.
SHORT_S, LONG_S = 1.5, 20.0


class Eager(HAProxy):
    """HAProxy that gives every caller a connection which others have used, as nginx does."""

    changes = {"http-reuse safe": "http-reuse always"}


class Way:
    """One node behind a proxy: what comes of requests, and what is stored."""

    def __init__(self, installation: Installation, front: Front) -> None:
        self.installation = installation
        self.front = front
        self.path = f"/public/v1/leads/{installation.key}"

    def send(self, row: Row, timeout: float) -> list[Answer]:
        """Send a row of the corpus; the answers that came, none if the proxy kept waiting for more."""
        assert row.connection is not None
        sent = row.connection.replace(b"/__ENDPOINT__", self.path.encode())
        try:
            return exchange(self.front.port, sent, row.answers, half_close=row.then == "close", timeout=timeout)
        except TimeoutError:
            return []

    def send_marked(self) -> tuple[str, list[Answer]]:
        """An ordinary request with a name of its own: the name, and what was answered."""
        name = f"Victim {uuid.uuid4()}"
        body = json.dumps({**LEAD, "name": name}).encode()
        return name, exchange(self.front.port, post(self.path, body))

    def kept(self) -> bool:
        """Whether the proxy has an open connection to the node, for the next request."""
        to_node = f"0100007F:{self.front.nodes[0]:04X} 01"
        lines = Path("/proc/net/tcp").read_text().splitlines()
        return any(" ".join(line.split()[2:4]) == to_node for line in lines)

    def stored(self) -> list[str]:
        """Public ids of all leads since the last call, which forgets them."""
        found = [uuid.UUID(str(each)) for (each,) in self.installation.sql("SELECT public_id FROM lead")]
        self.installation.empty()
        self.installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
        return sorted(map(str, found))


@pytest.fixture
def way(shared_installation: Installation, tmp_path: Path, front: type[Front]) -> Iterator[Way]:
    """One node behind each proxy in turn."""
    shared_installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    server = shared_installation.intake(trusted_proxies="127.0.0.1")
    proxy = (Eager if front is HAProxy else front)([server.port], tmp_path / front.name)
    yield Way(shared_installation, proxy)
    proxy.end()
    server.end()


def problems(answers: list[Answer], name: str, marked: list[Answer], stored: list[str]) -> list[str]:
    """What is wrong: with the next caller's answer, with an answer's status, or with what was stored."""
    found = []
    if [answer.status for answer in marked] != [201] or marked[0].json()["name"] != name:
        found.append(f"the next caller got {marked}")
    if any(answer.status >= 500 and answer.status != UNKNOWN_CODING for answer in answers):
        found.append(f"answered {[answer.status for answer in answers]}")
    told = sorted(
        made["id"]
        for answer in [*answers, *marked]
        if answer.status == 201 and "duplicate" not in (made := answer.json())
    )
    if told != stored:
        found.append(f"told of {len(told)} leads, stored {len(stored)}")
    return found


@pytest.mark.parametrize("rounds", [pytest.param(1, marks=pytest.mark.slow), pytest.param(100, marks=pytest.mark.soak)])
def test_the_next_caller_gets_its_own_answer_and_nothing_is_stored_unseen(way: Way, rounds: int) -> None:
    failures = []
    kept: list[bool] = []
    statuses: dict[str, list[int]] = {}
    for number in range(1, rounds + 1):
        for row in CONNECTIONS:
            patient = row.id in PATIENT
            if patient and number % PATIENT_EVERY:
                continue
            answers = way.send(row, LONG_S if patient else SHORT_S)
            statuses[row.id] = [answer.status for answer in answers]
            name, marked = way.send_marked()
            kept.append(way.kept())
            failures += [f"{row.id} ({row.why}): {each}" for each in problems(answers, name, marked, way.stored())]
    assert not failures, "\n".join(failures)
    # Nearly always the next caller's request went over a connection that had been used; a proxy may close one at times.
    assert sum(kept) > 0.9 * len(kept)
    # They got through: the proxy did not simply refuse everything.
    assert sum(status == [201] for status in statuses.values()) >= 3, statuses


def test_the_checks_notice_a_mix_up_and_a_lead_that_nobody_was_told_of(way: Way) -> None:
    name, marked = way.send_marked()
    _, others = way.send_marked()
    stored = way.stored()
    assert problems(others, name, marked, stored) == []
    assert any("the next caller got" in each for each in problems(marked, name, others, stored))
    assert problems([], name, marked, stored) == ["told of 1 leads, stored 2"]
    assert problems([*others, Answer(500, [], b"")], name, marked, stored) == [f"answered {[201, 500]}"]
