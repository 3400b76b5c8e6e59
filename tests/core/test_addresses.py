"""One spelling for each address, blocks, what the limit counts by, and entries as owners type them."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stagewise.core.addresses import Address, AddressSet, bucket, canonical, check_entry, parse_network

FOUR = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
SIX = st.integers(0, 2**128 - 1).map(ipaddress.IPv6Address).filter(lambda address: address.ipv4_mapped is None)


def spellings(address: Address) -> list[str]:
    if isinstance(address, ipaddress.IPv4Address):
        high, low = int(address) >> 16, int(address) & 0xFFFF
        mapped = [f"::ffff:{address}", f"::FFFF:{address}", f"::ffff:{high:x}:{low:x}"]
        return [str(address), *mapped, f"0:0:0:0:0:ffff:{high:04x}:{low:04X}"]
    return [str(address), address.exploded, address.exploded.upper(), address.compressed.upper()]


@given(FOUR | SIX)
def test_every_spelling_of_an_address_has_the_same_canonical_form(address: Address) -> None:
    assert {canonical(spelling) for spelling in spellings(address)} == {str(address)}


@given(FOUR | SIX, st.integers(0, 128))
def test_every_spelling_gets_the_same_decision(address: Address, length: int) -> None:
    block = ipaddress.ip_network((address, min(length, address.max_prefixlen)), strict=False)
    allowed = AddressSet([str(block)])
    for spelling in spellings(address):
        text = canonical(spelling)
        assert text is not None
        assert text in allowed


@pytest.mark.parametrize(
    "text",
    [
        "192.0.2.010",  # octal or decimal?
        "192.0.2.256",
        "192.0.2",
        "192.0.2.1.1",
        "3221225985",
        "0xC0.0.2.1",
        "192.0.2.1/32",
        " 192.0.2.1",
        "192.0.2.1\n",
        "192.0.2.１",
        "fe80::1%eth0",
        "::1%0",
        "[::1]",
        "::ffff:1.2.3.4:80",
        ":::",
        "1::2::3",
        "12345::",
        "unknown",
        "_hidden",
        "(null)",
        "",
        "1" * 70_000,
    ],
)
def test_what_is_no_address_has_no_canonical_form(text: str) -> None:
    assert canonical(text) is None


def test_an_address_that_only_looks_mapped_stays_ipv6() -> None:
    assert canonical("2001:db8::1.2.3.4") == "2001:db8::102:304"
    assert canonical("::1.2.3.4") == "::102:304"


@given(st.text())
def test_any_text_can_be_asked(text: str) -> None:
    address = canonical(text)
    assert address is None or canonical(address) == address
    assert text not in AddressSet(["192.0.2.0/24"]) or canonical(text) is not None


# The limit's key


def test_an_ipv4_address_is_counted_by_itself() -> None:
    assert bucket("192.0.2.10") == "192.0.2.10"


def test_ipv6_addresses_of_one_64_share_a_count() -> None:
    assert bucket("2001:db8:1:2::1") == bucket("2001:db8:1:2:ffff:ffff:ffff:ffff") == "2001:db8:1:2::/64"
    assert bucket("2001:db8:1:3::1") != bucket("2001:db8:1:2::1")


def test_every_bucket_fits_into_its_column() -> None:
    assert len(bucket("1111:2222:3333:4444:5555:6666:7777:8888")) <= 45


# Blocks


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("192.0.2.10", "192.0.2.10/32"),
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::ffff:192.0.2.10", "192.0.2.10/32"),
        ("::ffff:10.1.2.3/104", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_blocks_are_read_with_their_host_bits_cleared(text: str, block: str) -> None:
    assert str(parse_network(text)) == block


@pytest.mark.parametrize(
    "text", ["", "/", "10.0.0.0/", "/8", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/255.0.0.0", "::/129", "::/٣", "10/8"]
)
def test_what_is_no_block_is_not_read(text: str) -> None:
    assert parse_network(text) is None


def test_an_empty_list_holds_nobody() -> None:
    assert "127.0.0.1" not in AddressSet([])
    assert "::1" not in AddressSet([])


def test_an_entry_that_cannot_be_read_matches_nobody() -> None:
    allowed = AddressSet(["nonsense", "300.1.1.1", "", "192.0.2.10"])
    assert "192.0.2.10" in allowed
    assert "192.0.2.11" not in allowed


def test_a_block_of_ipv6_never_holds_ipv4_addresses() -> None:
    assert "192.0.2.10" not in AddressSet(["::/1", "::/64"])


@given(st.lists(st.tuples(FOUR, st.integers(8, 32)), max_size=20), FOUR)
def test_a_set_holds_what_any_of_its_blocks_holds(
    blocks: list[tuple[ipaddress.IPv4Address, int]], address: ipaddress.IPv4Address
) -> None:
    networks = [ipaddress.ip_network(block, strict=False) for block in blocks]
    allowed = AddressSet(map(str, networks))
    for asked in (address, *(network.broadcast_address + 1 for network in networks if int(network[-1]) < 2**32 - 1)):
        assert (str(asked) in allowed) == any(asked in network for network in networks)


# Entries as typed


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("192.0.2.10", "192.0.2.10"),
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("  192.0.2.10 ", "192.0.2.10"),
    ],
)
def test_a_good_entry_is_kept_as_typed(typed: str, value: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.changed, check.problem) == (value, False, "")


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("10.0.0.1/8", "10.0.0.0/8"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("192.0.2.10/32", "192.0.2.10"),
        ("::ffff:192.0.2.10", "192.0.2.10"),
        ("::ffff:c000:020a", "192.0.2.10"),
    ],
)
def test_an_entry_that_means_something_else_than_it_says_is_changed_and_that_is_said(typed: str, value: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.changed, check.problem) == (value, True, "")


@pytest.mark.parametrize("typed", ["0.0.0.0/0", "::/0", "192.0.2.1/0", "*", "any", "ALL", "::ffff:0:0/96"])
def test_everything_is_left_to_the_checkbox(typed: str) -> None:
    check = check_entry(typed)
    assert check.value is None
    assert check.everything
    assert "Allow from all IPs" in check.problem


@pytest.mark.parametrize(
    ("typed", "proposal"),
    [
        ("192.168.1", "192.168.1.0/24"),
        ("192.168.1.", "192.168.1.0/24"),
        ("192.168.1.*", "192.168.1.0/24"),
        ("10.*.*.*", "10.0.0.0/8"),
        ("1.2.3.4-9", "1.2.3.4/30, 1.2.3.8/31"),
        ("1.2.3.0 - 1.2.3.255", "1.2.3.0/24"),
        ("192.0.2.10 # office", "192.0.2.10"),
        ("192.0.2.10, 192.0.2.11", "192.0.2.10"),
        ("192.0.2.010", "192.0.2.10"),
        ("192.168.001.010", "192.168.1.10"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("10.0.0.0/33", "10.0.0.0"),
        ("fe80::1%eth0", "fe80::1"),
        ("192.0.2.10:443", "192.0.2.10"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("https://192.0.2.10/form", "192.0.2.10"),
    ],
)
def test_a_slip_is_refused_with_what_was_probably_meant(typed: str, proposal: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.proposal) == (None, proposal)
    assert check.problem
    assert all(check_entry(entry).value for entry in proposal.split(", "))


@pytest.mark.parametrize("typed", ["", " ", "example.com", "300.1.1.1", "1.2.3.4-::1", "-", "a-b", "<b>", "١.٢.٣.٤"])
def test_junk_is_refused_with_a_reason(typed: str) -> None:
    check = check_entry(typed)
    assert (check.value, check.proposal) == (None, None)
    assert check.problem


@given(st.text(alphabet="0123456789abcdef.:/-*%[] #,x") | st.text())
def test_any_entry_gets_a_verdict(typed: str) -> None:
    check = check_entry(typed)
    assert (check.value is None) == bool(check.problem)
    if check.value is not None:
        again = check_entry(check.value)
        assert (again.value, again.changed) == (check.value, False)
