"""The client for outgoing calls, against receivers that behave as badly as the internet's."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence

import pytest
import trustme

from stagewise.notify.outbound import Outbound, OutboundError
from tests.notify.outgoing.sinks import Reply, Request, Sink, certified, running, say, trusting

Client = Callable[..., Outbound]
LOCAL = "127.0.0.1"


def raw(answer: bytes) -> Reply:
    """Send these bytes and close."""

    def reply(connection: socket.socket, _request: Request) -> bool:
        connection.sendall(answer)
        return False

    return reply


def drip(sink: Sink, first: bytes, then: bytes) -> Reply:
    """Send the beginning, then byte after byte for ever."""

    def reply(connection: socket.socket, _request: Request) -> bool:
        connection.sendall(first)
        while not sink.wait(0.01):
            connection.sendall(then)
        return False

    return reply


def reset(connection: socket.socket, _request: Request) -> bool:
    """End the connection with RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    return False


def test_a_call_arrives_as_it_was_sent_and_the_answer_comes_back(sink: Sink, client: Client) -> None:
    sink.reply = say(201, b"thanks", "X-Answer: yes\r\n")
    answer = client(LOCAL).send("POST", f"{sink.url}/a%20b?c=d", headers={"X-Question": "why"}, body=b"\x00body")
    (got,) = sink.requests
    assert (got.method, got.path, got.body) == ("POST", "/a%20b?c=d", b"\x00body")
    assert got.headers["x-question"] == "why"
    assert got.headers["host"] == f"127.0.0.1:{sink.port}"
    assert (answer.status, answer.headers["x-answer"], answer.body_cut) == (201, "yes", b"thanks")
    assert answer.took_ms >= 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(status: int, sink: Sink, other_sink: Sink, client: Client) -> None:
    sink.reply = say(status, headers=f"Location: {other_sink.url}/\r\n")
    assert client(LOCAL).send("POST", sink.url).status == status
    assert other_sink.connections == 0


def test_proxies_in_the_environment_are_not_used(
    sink: Sink, other_sink: Sink, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, other_sink.url)
        monkeypatch.setenv(name.lower(), other_sink.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert client(LOCAL).send("POST", sink.url).status == 200
    assert (sink.connections, other_sink.connections) == (1, 0)


def test_calls_one_after_the_other_use_one_connection(sink: Sink, client: Client) -> None:
    outgoing = client(LOCAL)
    assert [outgoing.send("POST", sink.url).status for _ in range(3)] == [200] * 3
    assert sink.connections == 1


def test_a_connection_that_was_closed_while_idle_is_no_failure(sink: Sink, client: Client) -> None:
    def once(connection: socket.socket, request: Request) -> bool:
        # The second request on a connection is read, and the connection closed without a word.
        known.append(connection)
        return known.count(connection) == 1 and say()(connection, request)

    known: list[socket.socket] = []
    sink.reply = once
    outgoing = client(LOCAL)
    assert [outgoing.send("POST", sink.url).status for _ in range(2)] == [200] * 2
    assert (sink.connections, len(sink.requests)) == (2, 3)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (raw(b""), "broke the connection off"),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n"), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), "broke the connection off"),
        (raw(b"\x16\x03\x01" * 1_000), "not HTTP"),
        (raw(b"HTTP/1.1 200 OK\r\n" + b"X-More: of it\r\n" * 20_000), "not HTTP"),
        (reset, "broke the connection off"),
    ],
    ids=["nothing", "another protocol", "half a header", "garbage", "headers without end", "reset"],
)
def test_what_is_no_answer_is_told_in_words(reply: Reply, words: str, sink: Sink, client: Client) -> None:
    sink.reply = reply
    with pytest.raises(OutboundError, match=words) as told:
        client(LOCAL).send("POST", f"{sink.url}/secret-path?secret=query")
    assert "secret" not in str(told.value)


def test_a_port_where_nobody_listens_is_told_in_words(client: Client) -> None:
    with socket.create_server((LOCAL, 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(OutboundError, match="refused the connection"):
        client(LOCAL).send("POST", f"http://127.0.0.1:{port}/")


def test_an_address_that_does_not_answer_leaves_the_others_their_turn(sink: Sink, client: Client) -> None:
    outgoing = client("127.0.0.0/8", resolve=lambda _name, _port: [("127.0.0.9", sink.port), (LOCAL, sink.port)])
    assert outgoing.send("POST", "http://two.example/").status == 200


# Slow and huge


def test_an_answer_that_comes_byte_by_byte_ends_with_the_deadline(sink: Sink, client: Client) -> None:
    sink.reply = drip(sink, b"HTTP/1.1 200 OK\r\nX-Slow: ", b"y")
    with pytest.raises(OutboundError, match=r"did not answer within 0\.3 seconds"):
        client(LOCAL).send("POST", sink.url, timeout_s=0.3)


def test_interim_answers_without_end_end_with_the_deadline(sink: Sink, client: Client) -> None:
    sink.reply = drip(sink, b"", b"HTTP/1.1 102 Processing\r\n\r\n")
    with pytest.raises(OutboundError, match="did not answer"):
        client(LOCAL).send("POST", sink.url, timeout_s=0.3)


def test_once_the_status_is_known_a_body_that_never_ends_changes_nothing(sink: Sink, client: Client) -> None:
    sink.reply = drip(sink, b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nfirst", b"y")
    answer = client(LOCAL).send("POST", sink.url, timeout_s=0.3)
    assert answer.status == 200
    assert answer.body_cut.startswith(b"first")


def test_of_a_huge_body_no_more_is_read_than_is_wanted(sink: Sink, client: Client) -> None:
    sink.reply = say(200, b"y" * 10 * 1024 * 1024)
    outgoing = client(LOCAL)
    assert outgoing.send("POST", sink.url).body_cut == b"y" * 65_536
    assert outgoing.send("POST", sink.url, answer_bytes=10).body_cut == b"y" * 10


def test_a_body_in_chunks_without_end_is_cut(sink: Sink, client: Client) -> None:
    sink.reply = drip(
        sink, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"y" * 4096 + b"\r\n"
    )
    assert client(LOCAL).send("POST", sink.url).body_cut == b"y" * 65_536


def test_nobody_who_reads_nothing_holds_up_a_call(sink: Sink, client: Client) -> None:
    with socket.create_server((LOCAL, 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(OutboundError, match="did not answer"):
            client(LOCAL).send("POST", url, body=b"y" * 50_000_000, timeout_s=0.3)


def test_a_name_server_that_does_not_answer_is_not_waited_for(client: Client) -> None:
    over = threading.Event()

    def hang(_name: str, _port: int) -> Sequence[tuple[str, int]]:
        over.wait(30)
        return []

    try:
        with pytest.raises(OutboundError, match="could not be looked up in time"):
            client(resolve=hang).send("POST", "https://hangs.example/", timeout_s=0.2)
    finally:
        over.set()


# TLS


def test_tls_speaks_of_the_name_although_the_connection_goes_to_the_checked_address(
    authority: trustme.CA, client: Client
) -> None:
    with running(Sink(tls=certified(authority, "hooks.example.com"))) as sink:
        outgoing = client(LOCAL, resolve=lambda _name, _port: [(LOCAL, sink.port)], tls=trusting(authority))
        assert outgoing.send("POST", "https://hooks.example.com/here").status == 200
        assert sink.names == ["hooks.example.com"]
        assert sink.requests[0].headers["host"] == "hooks.example.com"


def test_a_name_in_another_script_is_asked_for_in_ascii(authority: trustme.CA, client: Client) -> None:
    with running(Sink(tls=certified(authority, "xn--bcher-kva.example"))) as sink:
        outgoing = client(LOCAL, resolve=lambda _name, _port: [(LOCAL, sink.port)], tls=trusting(authority))
        assert outgoing.send("POST", "https://Bücher.example/").status == 200
        assert sink.names == ["xn--bcher-kva.example"]


def test_a_certificate_for_another_name_is_not_accepted(authority: trustme.CA, client: Client) -> None:
    with running(Sink(tls=certified(authority, "other.example.com"))) as sink:
        outgoing = client(LOCAL, resolve=lambda _name, _port: [(LOCAL, sink.port)], tls=trusting(authority))
        with pytest.raises(OutboundError, match=r"certificate of hooks\.example\.com was not accepted"):
            outgoing.send("POST", "https://hooks.example.com/")
        assert sink.requests == []


def test_a_certificate_of_an_unknown_authority_is_not_accepted(authority: trustme.CA, client: Client) -> None:
    with running(Sink(tls=certified(authority, "hooks.example.com"))) as sink:
        outgoing = client(LOCAL, resolve=lambda _name, _port: [(LOCAL, sink.port)])
        with pytest.raises(OutboundError, match=r"certificate of hooks\.example\.com was not accepted"):
            outgoing.send("POST", "https://hooks.example.com/")
        assert sink.requests == []


def test_a_receiver_without_tls_gets_nothing_that_was_meant_to_be_encrypted(sink: Sink, client: Client) -> None:
    with pytest.raises(OutboundError):
        client(LOCAL).send("POST", f"https://127.0.0.1:{sink.port}/", body=b"secret", timeout_s=0.3)
    # By chance the first bytes of TLS, which are chosen by chance, look like a request.
    assert "secret" not in str(sink.requests)
