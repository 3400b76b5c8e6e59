"""The address of a caller: the peer, unless a trusted proxy says who it is."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stagewise.core.addresses import Caller, CallerReader

Headers = list[tuple[bytes, bytes]]


def read(
    headers: Headers, peer: str | None = "127.0.0.1", trusted: str = "127.0.0.1", name: str = "X-Forwarded-For"
) -> Caller:
    return CallerReader(trusted.split(), name).read(peer, headers)


def forwarded_for(*lines: str) -> Headers:
    return [(b"x-forwarded-for", line.encode()) for line in lines]


def forwarded(*lines: str) -> Headers:
    return [(b"forwarded", line.encode()) for line in lines]


# Without trusted proxies


def test_the_peer_is_the_caller() -> None:
    assert read([], peer="192.0.2.10", trusted="") == Caller("192.0.2.10", "peer", "192.0.2.10")


def test_a_mapped_peer_is_its_ipv4_address() -> None:
    assert read([], peer="::ffff:192.0.2.10", trusted="").address == "192.0.2.10"


@pytest.mark.parametrize(
    "name", [b"x-forwarded-for", b"forwarded", b"x-real-ip", b"cf-connecting-ip", b"true-client-ip"]
)
def test_headers_of_an_untrusted_peer_are_not_believed(name: bytes) -> None:
    assert read([(name, b"192.0.2.10")], peer="198.51.100.7", trusted="") == Caller(
        "198.51.100.7", "peer", "198.51.100.7"
    )


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("name", [b"x-forwarded-for", b"forwarded", b"x-real-ip"])
def test_a_proxy_on_this_machine_that_nobody_declared_is_noticed(peer: str, name: bytes) -> None:
    caller = read([(b"host", b"a"), (name, b"192.0.2.10")], peer=peer, trusted="")
    assert caller.untrusted_proxy
    assert caller.address is not None
    assert caller.source == "peer"


def test_a_loopback_peer_that_forwards_nothing_is_a_caller_like_any_other() -> None:
    assert not read([(b"x-client-ip", b"192.0.2.10")], peer="127.0.0.1", trusted="").untrusted_proxy


def test_the_configured_header_too_gives_an_undeclared_proxy_away() -> None:
    assert read([(b"cf-connecting-ip", b"192.0.2.10")], trusted="", name="CF-Connecting-IP").untrusted_proxy


def test_other_untrusted_peers_are_judged_by_their_own_address() -> None:
    assert not read(forwarded_for("192.0.2.10"), peer="198.51.100.7", trusted="").untrusted_proxy


@pytest.mark.parametrize("peer", [None, "", "unix:", "fe80::1%eth0"])
def test_a_peer_without_an_address_matches_nothing(peer: str | None) -> None:
    assert read(forwarded_for("192.0.2.10"), peer=peer).address is None


# Behind trusted proxies


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["192.0.2.10"], "192.0.2.10"),
        (["203.0.113.9, 192.0.2.10"], "192.0.2.10"),  # whoever wrote the left one
        (["192.0.2.10", "203.0.113.9"], "203.0.113.9"),  # several lines are one list
        (["192.0.2.10, 10.0.0.2", "10.0.0.1"], "192.0.2.10"),
        (["10.0.0.3, 10.0.0.2, 10.0.0.1"], "10.0.0.3"),  # all trusted: the leftmost
        (["192.0.2.10,,10.0.0.1,"], "192.0.2.10"),
        (["\t192.0.2.10 "], "192.0.2.10"),
        (["192.0.2.10:4711"], "192.0.2.10"),
        (["[2001:db8::1]"], "2001:db8::1"),
        (["[2001:db8::1]:4711"], "2001:db8::1"),
        (['"[2001:db8::1]:4711"'], "2001:db8::1"),
        (["2001:DB8:0:0:0:0:0:1"], "2001:db8::1"),
        (["::ffff:192.0.2.10"], "192.0.2.10"),
        (["::ffff:c000:020a"], "192.0.2.10"),
        (["unknown, 192.0.2.10"], "192.0.2.10"),  # what stands further left is not read
    ],
)
def test_the_first_untrusted_hop_from_the_right_is_the_caller(lines: list[str], address: str) -> None:
    caller = read(forwarded_for(*lines), trusted="127.0.0.1 10.0.0.0/8")
    assert caller == Caller(address, "X-Forwarded-For", "127.0.0.1")


@pytest.mark.parametrize("lines", [[], [""], [", ,"], ["", " "]])
def test_without_a_hop_the_peer_is_the_caller(lines: list[str]) -> None:
    assert read(forwarded_for(*lines)) == Caller("127.0.0.1", "peer", "127.0.0.1")


@pytest.mark.parametrize(
    "hop",
    [
        "unknown", "_hidden", "(null)", "192.0.2.010", "192.0.2.10:", "192.0.2.10:http", "192.0.2.10:123456",
        "[192.0.2.10", "fe80::1%eth0", "[fe80::1%25eth0]", "3221225994", "192.0.2.10/32", "localhost", '"192.0.2.10',
        "192.0.2.10 evil",
    ],
)  # fmt: skip
def test_an_unreadable_hop_matches_nothing(hop: str) -> None:
    caller = read(forwarded_for(f"192.0.2.10, {hop}"))
    assert caller.address is None
    assert caller.unreadable == hop


def test_an_unreadable_hop_is_kept_short_and_plain() -> None:
    caller = CallerReader(["127.0.0.1"], "X-Forwarded-For").read("127.0.0.1", [(b"x-forwarded-for", b"\xff" * 5000)])
    assert caller.unreadable == "?" * 60


def test_only_the_last_twenty_hops_are_read() -> None:
    assert read(forwarded_for("192.0.2.10" + ", 127.0.0.1" * 19)).address == "192.0.2.10"
    assert read(forwarded_for("192.0.2.10" + ", 127.0.0.1" * 20)).address == "127.0.0.1"
    assert read(forwarded_for("192.0.2.10", *["127.0.0.1"] * 20)).address == "127.0.0.1"


def test_only_the_configured_header_counts() -> None:
    both = [*forwarded("for=192.0.2.10"), *forwarded_for("203.0.113.9")]
    assert read(both).address == "203.0.113.9"
    assert read(both, name="Forwarded").address == "192.0.2.10"
    assert read([(b"x_forwarded_for", b"192.0.2.10")]).address == "127.0.0.1"


def test_a_header_of_another_name_is_a_list_too() -> None:
    caller = read([(b"cf-connecting-ip", b"192.0.2.10")], name="CF-Connecting-IP")
    assert (caller.address, caller.source) == ("192.0.2.10", "CF-Connecting-IP")


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        (["for=192.0.2.10"], "192.0.2.10"),
        (["For=192.0.2.10;proto=https;by=203.0.113.43"], "192.0.2.10"),
        (["proto=https; for=192.0.2.10"], "192.0.2.10"),
        (['for="[2001:db8::1]:4711"'], "2001:db8::1"),
        (['for="192.0.2.10:_x"'], "192.0.2.10"),
        (['for="\\1\\9\\2.0.2.10"'], "192.0.2.10"),
        (["for=203.0.113.9, for=192.0.2.10"], "192.0.2.10"),
        (["for=192.0.2.10", "for=203.0.113.9"], "203.0.113.9"),
        (["for=192.0.2.10, for=127.0.0.1"], "192.0.2.10"),
        (['for="unknown, for=192.0.2.9", for=192.0.2.10'], "192.0.2.10"),
        (['for=192.0.2.10;host="a,b;for=203.0.113.9"'], "192.0.2.10"),
        (['for="', "for=192.0.2.10"], "192.0.2.10"),  # a broken line is one hop
    ],
)
def test_forwarded_is_read_by_its_rfc(lines: list[str], address: str) -> None:
    assert read(forwarded(*lines), name="Forwarded").address == address


@pytest.mark.parametrize(
    "line",
    [
        "for=unknown",
        "for=_hidden",
        "proto=https",
        "for=192.0.2.10, for=",
        "for=192.0.2.10, by=10.0.0.1",
        "for=192.0.2.10;for=203.0.113.9",
        "for =192.0.2.10",
        "192.0.2.10",
        'for="192.0.2.10',
        # A caller opens a quotation that is to swallow what the proxy adds.
        'for=192.0.2.10;x=", for="[2001:db8::1]:80"',
        'for=192.0.2.10;x="\\", for="[2001:db8::1]:80"',
    ],
)
def test_a_forwarded_line_that_names_nobody_matches_nothing(line: str) -> None:
    assert read(forwarded(line), name="Forwarded").address is None


# Against a model, and against nonsense

HOPS = {
    "192.0.2.10": ["192.0.2.10", "192.0.2.10:80", "::ffff:192.0.2.10", "::FFFF:C000:20A", '"192.0.2.10"'],
    "2001:db8::1": ["2001:db8::1", "2001:DB8:0::1", "[2001:db8::1]", "[2001:db8::1]:80", '"[2001:db8::1]:80"'],
    "10.0.0.1": ["10.0.0.1", "10.0.0.1:5", "::ffff:a00:1"],
    None: ["unknown", "_x", "1.2.3", "1.2.3.04", "::1%lo", '"', "for", "<b>", "\x80"],
}
HOP = st.sampled_from(list(HOPS)).flatmap(lambda address: st.tuples(st.just(address), st.sampled_from(HOPS[address])))


@given(st.lists(st.lists(HOP | st.just((None, "")), max_size=9), max_size=6), st.sampled_from(["", " ", "\t"]))
def test_any_list_gives_what_the_rule_says(lines: list[list[tuple[str | None, str]]], space: str) -> None:
    headers = [(b"x-forwarded-for", f",{space}".join(text for _, text in line).encode("latin-1")) for line in lines]
    hops = [address for address, text in itertools.chain(*lines) if text][-20:]
    expected: str | None = "127.0.0.1"
    for address in reversed(hops):
        expected = address
        if address != "10.0.0.1":
            break
    assert read(headers, trusted="127.0.0.1 10.0.0.0/8").address == expected


SOUP = st.text(alphabet='for=;,"\\ 1920.[]:_\tF%x', max_size=200).map(str.encode) | st.binary(max_size=100)


@given(st.lists(SOUP, max_size=6), st.sampled_from(["X-Forwarded-For", "Forwarded", "X-Real-IP"]))
@example([b'"' * 60_001], "Forwarded")
@example([b'"\\' * 30_000], "Forwarded")
@example([b"for=" * 15_000], "Forwarded")
@example([b":" * 60_000], "X-Forwarded-For")
@example([b",", b", " * 30_000], "X-Forwarded-For")
def test_nonsense_is_refused_and_never_raises(lines: list[bytes], name: str) -> None:
    caller = CallerReader(["127.0.0.1"], name).read("127.0.0.1", [(name.lower().encode(), line) for line in lines])
    assert caller.peer == "127.0.0.1"
    assert len(caller.unreadable) <= 60
