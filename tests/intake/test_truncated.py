"""A POST that ends before its last byte, at each byte and in both ways a connection can end, is no lead."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.intake.wire import Answer, parse, post
from tests.support.installation import LEAD, Installation, Server

#: What may be said to half a request; mostly nothing is.
SAID = {400, 408}
#: ``struct linger``: on, and no time to linger, so that closing sends RST.
RESET_AT_ONCE = struct.pack("ii", 1, 0)
AT_ONCE = 32


class Cut(NamedTuple):
    """So many bytes of a request were sent, and that was said to them."""

    length: int
    answers: list[Answer]


@contextmanager
def sending(server: Server, sent: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(sent)
        yield connection


def end_with_fin(server: Server, sent: bytes) -> Cut:
    """Send the bytes and FIN; read what is said until the server has closed its side too."""
    received = bytearray()
    with sending(server, sent) as connection:
        connection.shutdown(socket.SHUT_WR)
        try:
            while chunk := connection.recv(65_536):
                received += chunk
        except ConnectionError:
            pass  # RST is as good an end as FIN
    return Cut(len(sent), parse(received, closed=True))


def end_with_rst(server: Server, sent: bytes) -> Cut:
    """Send the bytes and RST, after which nothing can be read."""
    with sending(server, sent) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
    return Cut(len(sent), [])


def problems(installation: Installation, server: Server, cuts: list[Cut]) -> list[str]:
    """What is wrong after these cuts: an answer that says more than "no", or a lead of theirs in the database."""
    found = [
        f"{cut.length} bytes were answered with {answer.status}"
        for cut in cuts
        for answer in cut.answers
        if answer.status not in SAID
    ]
    after = server.post_lead(name="Afterwards")
    if after.status != 201:
        found.append(f"a good lead afterwards was answered with {after.status}")
    server.terminate()  # which finishes whatever was begun
    names = [name for (name,) in installation.sql("SELECT name FROM lead ORDER BY id")]
    return found if names == ["Afterwards"] else [*found, f"stored: {sorted(names)}"]


@pytest.fixture
def lane(installation: Installation) -> Server:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    return installation.intake()


def with_a_length(installation: Installation) -> bytes:
    return post(f"/public/v1/leads/{installation.key}", json.dumps(LEAD).encode())


def in_chunks(installation: Installation) -> bytes:
    """The same in two chunks and an empty one, which ends the body (RFC 9112, section 7.1)."""
    head = (
        f"POST /public/v1/leads/{installation.key} HTTP/1.1\r\nHost: stagewise.test\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    body = json.dumps(LEAD)
    return (head + "".join(f"{len(part):x}\r\n{part}\r\n" for part in (body[:50], body[50:], ""))).encode()


@pytest.mark.parametrize("end", [end_with_fin, end_with_rst])
@pytest.mark.parametrize("whole", [with_a_length, in_chunks])
def test_a_post_cut_at_any_byte_stores_nothing_and_disturbs_nobody(
    installation: Installation,
    lane: Server,
    whole: Callable[[Installation], bytes],
    end: Callable[[Server, bytes], Cut],
) -> None:
    request = whole(installation)
    with ThreadPoolExecutor(AT_ONCE) as senders:
        cuts = list(senders.map(lambda length: end(lane, request[:length]), range(len(request))))
    assert problems(installation, lane, cuts) == []


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("whole", [with_a_length, in_chunks])
def test_the_check_notices_a_request_that_is_whole(
    installation: Installation, lane: Server, whole: Callable[[Installation], bytes]
) -> None:
    # Who hangs up at once need not be answered, but the lead was all there.
    found = problems(installation, lane, [end_with_fin(lane, whole(installation))])
    assert "stored: ['Ada Lovelace', 'Afterwards']" in found, found


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_check_notices_an_answer_that_says_more_than_no(installation: Installation, lane: Server) -> None:
    answers = parse(b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n")
    assert problems(installation, lane, [Cut(7, answers)]) == ["7 bytes were answered with 201"]
