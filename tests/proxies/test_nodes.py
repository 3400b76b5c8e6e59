"""Two nodes behind a real proxy are one installation: no lead is lost, no limit is passed, no setting is late."""

from __future__ import annotations

import http.client
import json
import ssl
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.proxies.conftest import Nodes
from tests.proxies.fronts import Front
from tests.support import postgres
from tests.support.crowd import Post, Reply, check_stored, post_all, under_load
from tests.support.installation import LEAD, Installation
from tests.support.processes import Answer
from tests.support.waiting import eventually

ON_POSTGRESQL = pytest.mark.parametrize("engine", ["postgres"])

#: What a proxy answers when a node breaks off; 0: it closes a connection that has had answers before, as HAProxy does.
PROXYS_OWN = {502, 503, 504, 0}
#: Kills, or restarts: a few in the ordinary tests.
TIMES = pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.soak)])
#: Between two of them, in seconds: long enough for HAProxy to see that a node is there again.
PAUSE_S = 1.5


def leads(nodes: Nodes, name: str, count: int = 50_000, **headers: str) -> list[Post]:
    """Leads through the proxy, each with a key of its own."""
    names = (f"{name}-{number}" for number in range(count))
    return [
        Post(nodes.front.port, nodes.installation.key, each, {"Idempotency-Key": each, **headers}) for each in names
    ]


def settled(nodes: Nodes, everything: list[Post], replies: list[Reply]) -> list[Reply]:
    """The last reply of each call, after those without a 201 were made again with the same key."""
    failed = {reply.token for reply in replies if reply.status != 201}
    again = post_all([post for post in everything if post.token in failed], connections=8)
    return list({reply.token: reply for reply in [*replies, *again]}.values())


def ask(nodes: Nodes, address: str, message: str, tls: bool = False, path: str | None = None, **headers: str) -> Answer:
    """One lead through the proxy, from this loopback address, over a connection of its own."""
    port = nodes.front.tls_port if tls else nodes.front.port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20, source_address=(address, 0))
    connection.connect()
    if tls:
        context = ssl.create_default_context()
        nodes.front.authority.configure_trust(context)
        connection.sock = context.wrap_socket(connection.sock, server_hostname="leads.example.com")
    try:
        body = json.dumps({**LEAD, "message": message})
        connection.request(
            "POST", path or f"/public/v1/leads/{nodes.installation.key}", body,
            {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}},
        )  # fmt: skip
        response = connection.getresponse()
        return Answer(response.status, {n.lower(): v for n, v in response.getheaders()}, response.read())
    finally:
        connection.close()


@ON_POSTGRESQL
def test_through_the_proxy_two_nodes_are_one(nodes: Nodes) -> None:
    the_limit_is_exact_over_both_nodes(nodes)
    a_setting_saved_on_one_node_holds_on_the_other_for_the_next_request(nodes)
    the_callers_own_address_is_seen_whatever_the_caller_writes(nodes)
    nothing_else_is_public(nodes)


def the_limit_is_exact_over_both_nodes(nodes: Nodes) -> None:
    """As the story says; both nodes had a part in it."""
    replies = post_all(leads(nodes, "limit", 400), connections=32)
    assert Counter(reply.status for reply in replies) == {201: 10, 429: 390}
    assert nodes.installation.count("lead") == 10
    for server in nodes.servers:
        assert "refused" in server.output, "the proxy sends everything to one node"


def a_setting_saved_on_one_node_holds_on_the_other_for_the_next_request(nodes: Nodes) -> None:
    """Saved by a command on the second node; four calls reach both, since a proxy takes turns."""
    for number, is_open in enumerate((True, False, True)):
        nodes.machines[1].set_endpoint(allow_all_ips=is_open, allowed_ips=[], max_leads_per_ip=None)
        for call in range(4):
            assert ask(nodes, "127.0.0.1", f"{number} {call}").status == (201 if is_open else 403)


def the_callers_own_address_is_seen_whatever_the_caller_writes(nodes: Nodes) -> None:
    """Over TLS too; the address that the refusal names is the one that the connection to the proxy came from."""
    nodes.installation.save_rules(allow_all_ips=False, allowed_ips=["127.0.0.7"], max_leads_per_ip=None)
    for tls in (False, True):
        assert ask(nodes, "127.0.0.7", f"address {tls}", tls).status == 201
        for forged in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            value = "for=127.0.0.7" if forged == "Forwarded" else "127.0.0.7"
            refused = ask(nodes, "127.0.0.8", "forged", tls, **{forged: value})
            assert refused.status == 403
            assert "127.0.0.8" in refused.json()["detail"]


def nothing_else_is_public(nodes: Nodes) -> None:
    """Health and metrics stay inside; the proxy does not even ask for them."""
    for path in ("/metrics", "/readyz", "/healthz", "/", "/PUBLIC/v1/leads/x"):
        answer = ask(nodes, "127.0.0.7", "", path=path)
        assert (answer.status, "x-request-id" in answer.headers) == (404, False), path


@ON_POSTGRESQL
@pytest.mark.slow
@TIMES
def test_a_node_that_is_killed_loses_nothing_and_the_other_goes_on(nodes: Nodes, times: int) -> None:
    nodes.installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    answered_meanwhile: list[int] = []

    def kill() -> None:
        for number in range(times):
            time.sleep(PAUSE_S)
            nodes.servers[number % 2].kill_all()
            # A proxy may need a call or two to notice.
            answered_meanwhile.append(max(ask(nodes, "127.0.0.1", f"{number} {n}").status == 201 for n in range(3)))
            nodes.start_again(number % 2)

    everything = leads(nodes, "kill")
    replies = under_load(everything, kill)
    statuses = Counter(reply.status for reply in replies)
    assert set(statuses) <= {201, *PROXYS_OWN}, statuses
    assert statuses[201] > 25 * times
    # What breaks is what was under way in the node that died, for sixteen callers.
    assert statuses.total() - statuses[201] <= 32 * times, statuses
    assert answered_meanwhile == [True] * times
    nodes.installation.sql("DELETE FROM lead WHERE name = ?", LEAD["name"])
    names = {f"t={reply.token}" for reply in settled(nodes, everything, replies)}
    assert {name for (name,) in nodes.installation.sql("SELECT name FROM lead")} == names


@ON_POSTGRESQL
@pytest.mark.slow
@TIMES
def test_a_node_that_is_drained_before_its_restart_breaks_no_call(nodes: Nodes, times: int) -> None:
    nodes.installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)

    def restart() -> None:
        for number in range(times):
            time.sleep(0.2)
            nodes.front.drain(nodes.ports[number % 2])
            assert nodes.servers[number % 2].terminate(11) == 0
            nodes.start_again(number % 2)
            nodes.front.undrain(nodes.ports[number % 2])

    # A connection for each call: one that waits for its next call is closed by a proxy that reloads, whoever sends.
    replies = under_load(leads(nodes, "drained", Connection="close"), restart)
    assert Counter(reply.status for reply in replies if reply.status != 201) == {}
    assert len(replies) > 25 * times
    check_stored(nodes.installation, replies)


@ON_POSTGRESQL
@pytest.mark.slow
@TIMES
def test_a_node_that_is_restarted_without_a_word_breaks_what_the_proxy_says_and_loses_nothing(
    nodes: Nodes, times: int
) -> None:
    nodes.installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)

    def restart() -> None:
        for number in range(times):
            time.sleep(PAUSE_S)
            assert nodes.servers[number % 2].terminate(11) == 0
            nodes.start_again(number % 2)

    everything = leads(nodes, "restart")
    replies = under_load(everything, restart)
    broken = Counter(reply.status for reply in replies if reply.status != 201)
    assert set(broken) <= PROXYS_OWN, broken
    # A call that met a connection which the node was closing: at most one for each caller.
    assert broken.total() <= 16 * times, broken
    last = settled(nodes, everything, replies)
    assert {reply.status for reply in last} == {201}
    check_stored(nodes.installation, last)


@pytest.mark.slow
def test_without_a_database_the_nodes_own_answer_reaches_the_caller(
    own_postgres: tuple[postgres.Cluster, Installation], tmp_path: Path, front: type[Front]
) -> None:
    cluster, installation = own_postgres
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    nodes = Nodes(installation, tmp_path, front)
    try:
        assert ask(nodes, "127.0.0.1", "before").status == 201
        cluster.stop()
        eventually(lambda: is_unavailable(ask(nodes, "127.0.0.1", "meanwhile")))
        time.sleep(3)  # a proxy that looks after its nodes has seen by now that none of them is ready
        assert is_unavailable(ask(nodes, "127.0.0.1", "meanwhile"))
        cluster.start()
        eventually(lambda: ask(nodes, "127.0.0.1", "after").status == 201)
    finally:
        nodes.end()


def is_unavailable(answer: Answer) -> bool:
    """Whether it is Stagewise that says so, with the time after which to try again.

    A proxy speaks for itself while it is finding out that none of its nodes is ready.
    """
    ours = answer.headers.get("content-type") == "application/problem+json"
    return answer.status == 503 and ours and answer.json()["code"] == "unavailable" and "retry-after" in answer.headers


def test_the_check_notices_a_lead_that_is_lost(shared_installation: Installation) -> None:
    with pytest.raises(AssertionError, match="is lost"):
        check_stored(shared_installation, [Reply("nowhere", 201, {}, b"")])
