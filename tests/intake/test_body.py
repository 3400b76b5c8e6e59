"""Bodies: how they arrive, and what counts as JSON."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stagewise.intake.body import BODY_BYTES, DEPTH, Unreadable, decode, decode_carefully, read_rest
from tests.support.installation import LEAD, Installation, Server

NAMES = st.sampled_from(["name", "phone", "email", "message", "lead_type_name", "other", "nam\\u0065", "Name"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def outcome(decoder: Callable[[bytes], dict[str, object]], body: bytes) -> object:
    """What the decoder makes of it, with types for what is no text: no field takes anything else."""
    try:
        return {name: value if isinstance(value, str | None) else "no text" for name, value in decoder(body).items()}
    except Unreadable as error:
        return error.code, error.not_object


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_the_fast_decoder_says_what_the_careful_one_says_of_any_object(pairs: list[tuple[str, Any]]) -> None:
    body = ("{" + ",".join(f'"{name}":{json.dumps(value)}' for name, value in pairs) + "}").encode()
    assert outcome(decode, body) == outcome(decode_carefully, body)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0129nameulftrs -.eE\x00é', max_size=60).map(str.encode))
@example(b'{"name":"a","x":"\xff"}')
@example(b'{"name":"\\ud800"}')
@example(b"\xef\xbb\xbf{}")
@example(b'{"x":1e400,"name":"a"}')
@example(b'{"name":1e400}')
@example(b'{"x":-}')
@example(b'{"name":"a"}\x00')
def test_the_fast_decoder_says_what_the_careful_one_says_of_anything(body: bytes) -> None:
    assert outcome(decode, body) == outcome(decode_carefully, body)


@pytest.mark.parametrize(("depth", "readable"), [(100, True), (DEPTH - 1, True), (DEPTH, False), (30_000, False)])
@pytest.mark.parametrize("brackets", ["[]", "{}"])
def test_nesting_is_bounded(depth: int, readable: bool, brackets: str) -> None:
    inner = "[" * depth + "]" * depth if brackets == "[]" else '{"a":' * depth + "1" + "}" * depth
    body = f'{{"name":"a","x":{inner}}}'.encode()
    assert outcome(decode, body) == ({"name": "a"} if readable else ("invalid_json", False))


def test_brackets_within_texts_are_no_nesting() -> None:
    assert decode(json.dumps({"name": "[{" * 2_000, "x": '"\\"['}).encode()) == {"name": "[{" * 2_000}


def reading(*events: dict[str, Any]) -> bytes:
    rest = iter(events[1:])

    async def receive() -> MutableMapping[str, Any]:
        return next(rest)

    read: Awaitable[bytes] = read_rest(events[0], receive)

    async def steps() -> bytes:
        return await read

    return asyncio.run(steps())


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_a_body_in_pieces_is_put_together() -> None:
    assert reading(part(b"a", more=True), part(b"", more=True), part(b"b", more=False)) == b"ab"


def test_a_disconnect_before_the_last_event_is_no_body_whatever_came_before() -> None:
    with pytest.raises(Unreadable) as raised:
        reading(part(b'{"name":"A"}', more=True), {"type": "http.disconnect"})
    assert raised.value.code == "invalid_request"


def test_the_cap_holds_at_the_byte() -> None:
    assert len(reading(part(b"x" * (BODY_BYTES - 1), more=True), part(b"x", more=False))) == BODY_BYTES
    with pytest.raises(Unreadable) as raised:
        reading(part(b"x" * BODY_BYTES, more=True), part(b"x", more=True))
    assert raised.value.code == "too_large"


# Over real sockets


@pytest.fixture
def lane(shared_installation: Installation) -> Server:
    shared_installation.save_rules(allow_all_ips=True, max_leads_per_ip=None)
    return shared_installation.running_intake


def begin(lane: Server, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", lane.port), timeout=15)
    path = f"/public/v1/leads/{lane.installation.key}"
    lines = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
    connection.sendall(lines.encode() + body)
    return connection


def status(connection: socket.socket) -> int:
    first = connection.recv(4096)
    return int(first.split()[1]) if first else 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_body_that_does_not_come_is_given_up_after_ten_seconds(lane: Server) -> None:
    whole = json.dumps(LEAD).encode()
    started = time.monotonic()
    waiting = [
        begin(lane, f"Content-Length: {len(whole) + 1}", whole),
        begin(lane, f"Content-Length: {len(whole)}"),
        begin(lane, "Transfer-Encoding: chunked", b'5\r\n{"nam'),
    ]
    assert [status(connection) for connection in waiting] == [408, 408, 408]
    assert time.monotonic() - started >= 9
    assert lane.installation.count("lead") == 0
    for connection in waiting:
        connection.close()


def test_a_caller_who_may_not_call_is_refused_before_the_body_is_waited_for(lane: Server) -> None:
    lane.installation.save_rules(allow_all_ips=False, allowed_ips=[])
    connection = begin(lane, "Content-Length: 60000", b"{")
    assert status(connection) == 403
    connection.close()


def test_a_body_that_is_too_large_is_refused_from_its_length(lane: Server) -> None:
    for length in ("65537", "99999999999999999999"):
        connection = begin(lane, f"Content-Length: {length}\r\nExpect: 100-continue")
        assert status(connection) in ({413} if length == "65537" else {413, 400})
        connection.close()


def test_an_endless_body_is_refused_at_the_cap(lane: Server) -> None:
    connection = begin(lane, "Transfer-Encoding: chunked")
    piece = b"1000\r\n" + b" " * 4096 + b"\r\n"
    for _ in range(20):
        try:
            connection.sendall(piece)
        except OSError:
            break
    assert status(connection) == 413
    connection.close()


def test_a_body_cut_at_any_byte_stores_nothing(lane: Server) -> None:
    whole = json.dumps(LEAD).encode()
    for cut in range(0, len(whole), 3):
        begin(lane, f"Content-Length: {len(whole)}", whole[:cut]).close()
    assert lane.post(whole).status == 201
    assert lane.installation.count("lead") == 1
