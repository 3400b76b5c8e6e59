"""Whose request it is, by the same rules as at the endpoint."""

from __future__ import annotations

import pytest
from stagewise_client.errors import ConfigError
from stagewise_client.relay.visitor import Visitor, VisitorReader

from stagewise.core.addresses import CallerReader, bucket


def read(
    peer: str | None, *values: str, trusted: tuple[str, ...] = ("10.0.0.0/8",), header: str = "X-Forwarded-For"
) -> Visitor:
    return VisitorReader(trusted, header).read(peer, [("Accept", "*/*"), *((header, value) for value in values)])


def test_without_a_proxy_it_is_the_other_end_of_the_connection() -> None:
    assert read("198.51.100.7").address == "198.51.100.7"


def test_a_stranger_may_write_what_he_likes_into_the_header() -> None:
    assert read("198.51.100.7", "192.0.2.1").address == "198.51.100.7"


def test_a_trusted_proxy_says_for_whom_it_asks() -> None:
    assert read("10.1.2.3", "192.0.2.1, 203.0.113.9").address == "203.0.113.9"
    assert read("10.1.2.3", "192.0.2.1, 203.0.113.9, 10.9.9.9").address == "203.0.113.9"


def test_a_proxy_of_this_machine_that_was_forgotten_is_not_believed_and_nobody_is_admitted() -> None:
    found = read("127.0.0.1", "192.0.2.1", trusted=())
    assert (found.address, found.problem) == (None, "a proxy at 127.0.0.1 asks on behalf of others and is not trusted")


def test_a_proxy_behind_a_unix_socket_can_be_trusted_by_that_word() -> None:
    for peer in (None, ""):
        assert read(peer, "192.0.2.1", trusted=("unix",)).address == "192.0.2.1"
        assert read(peer, "192.0.2.1", trusted=("unix", "192.0.2.0/24")).address == "192.0.2.1"
        assert read(peer, trusted=("unix",)).address is None
        assert read(peer, "192.0.2.1", trusted=("10.0.0.0/8",)).address is None


def test_the_word_unix_trusts_nothing_else() -> None:
    assert read("198.51.100.7", "192.0.2.1", trusted=("unix",)).address == "198.51.100.7"
    assert read("testclient", "192.0.2.1", trusted=("unix",)).address is None


PEERS = ["198.51.100.7", "10.1.2.3", "127.0.0.1", "::1", "2001:db8::7", "::ffff:10.1.2.3", "fe80::1%eth0", "", "nobody"]
LISTS = [
    (),
    ("192.0.2.1",),
    ("192.0.2.1:8080", "10.2.3.4"),
    ("192.0.2.1, , 10.2.3.4,",),
    ("unknown, 10.2.3.4",),
    ("[2001:db8::1]:443",),
    ("2001:db8::1",),
    ('"192.0.2.1"',),
    ("10.0.0.1, 10.0.0.2",),
    ("",),
    ("192.0.2.01",),
    ("192.0.2.1 10.0.0.1",),
    (", ".join(["10.0.0.1"] * 30),),
    ("192.0.2.1, " + ", ".join(["10.0.0.1"] * 30),),
]
FORWARDED = [
    (),
    ("for=192.0.2.1",),
    ('For="[2001:db8::1]:47011";proto=https, for=10.0.0.2',),
    ('for="192.0.2.1:_hidden"',),
    ("for=_hidden, for=10.0.0.1",),
    ("proto=https",),
    ("for=192.0.2.1;for=192.0.2.2",),
    ('for="192.0.2.1',),
    ('for=192.0.2.1, by="a,b;for=1.2.3.4"',),
    ("for=",),
]


@pytest.mark.parametrize("trusted", [(), ("10.0.0.0/8", "::1"), ("::ffff:10.0.0.0/104", "127.0.0.1", "2001:db8::/32")])
@pytest.mark.parametrize("peer", PEERS)
def test_relay_and_endpoint_agree_on_every_caller(peer: str, trusted: tuple[str, ...]) -> None:
    for header, lists in (("X-Forwarded-For", LISTS), ("Forwarded", FORWARDED), ("CF-Connecting-IP", LISTS)):
        server = CallerReader(trusted, header)
        for values in lists:
            caller = server.read(peer, [(header.lower().encode(), value.encode()) for value in values])
            expected = None if caller.untrusted_proxy else caller.address
            found = read(peer, *values, trusted=trusted, header=header)
            assert found.address == expected, (peer, header, values)
            if expected is not None:
                assert found.bucket == bucket(expected)


@pytest.mark.parametrize(
    ("trusted", "header", "line"),
    [
        (("proxy.example.com",), "X-Forwarded-For", "a trusted proxy is an address, a block such as 10.0.0.0/8, or"),
        (("0.0.0.0/0",), "X-Forwarded-For", "trusted proxies: 0.0.0.0/0 would let every visitor choose an address"),
        (("::ffff:0:0/96",), "X-Forwarded-For", "trusted proxies: ::ffff:0:0/96 would let every visitor choose an add"),
        (
            (),
            "X-Forwarded-For:",
            "the visitor's address is in a header such as X-Forwarded-For, not 'X-Forwarded-For:'",
        ),
    ],
)
def test_what_could_never_work_is_one_clear_line(trusted: tuple[str, ...], header: str, line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        VisitorReader(trusted, header)
    assert str(refused.value).startswith(line)
