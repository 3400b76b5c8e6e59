"""Addresses of mail: the cheap test knows only what the library accepts; the domain is kept in one spelling."""

from __future__ import annotations

import pytest
from email_validator import validate_email
from hypothesis import example, given
from hypothesis import strategies as st

from stagewise.core import emails
from stagewise.core.text import Bad

LABELS = st.from_regex(r"[A-Za-z0-9-]{1,12}", fullmatch=True) | st.sampled_from(
    [
        "xn--mnchen-3ya",
        "xn--a",
        "ab--cd",
        "test",
        "local",
        "a" * 63,
        "a" * 64,
        "münchen",
        "ｅｘ",
        "例え",
        "",
        "1",
        "com",
        "COM",
        "arpa",
    ]
)
LOCALS = st.from_regex(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}", fullmatch=True) | st.sampled_from(
    ["", "a" * 65, '"a"', "ä", "info", "Postmaster", "用户", "a..b", "a b", "\u200b", "a\u0301"]
)
ADDRESSES = st.builds(
    lambda before, local, labels, after: f"{before}{local}@{'.'.join(labels)}{after}",
    st.sampled_from(["", " ", "\t", "<"]), LOCALS, st.lists(LABELS, min_size=1, max_size=5),
    st.sampled_from(["", "", "", " ", "\n", ".", ">", "\u202c", "\x00", "\xa0", "@x.com"]),
)  # fmt: skip


@given(ADDRESSES | st.text() | st.text(alphabet="aB1.-@_+x\n "))
@example("a@b.test")
@example("a@test")
@example("a@b.c")
@example("a@b.xn--p1ai")
@example("a" * 245 + "@abc.com")
@example("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 60)
def test_the_cheap_test_gives_what_the_careful_way_gives(address: str) -> None:
    assert emails.read(address) == emails.read_carefully(address)


@given(ADDRESSES | st.text())
def test_what_is_accepted_is_what_the_library_accepts(address: str) -> None:
    kept = emails.read(address)
    if isinstance(kept, Bad):
        return
    sent, stored = (validate_email(text, check_deliverability=False) for text in (address.strip(" "), kept))
    assert stored.normalized == sent.normalized
    assert emails.read(kept) == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Ada@Example.COM", "Ada@example.com"),
        ("  ada@example.com ", "ada@example.com"),
        ("INFO@example.com", "INFO@example.com"),
        ("Postmaster@EXAMPLE.com", "Postmaster@example.com"),
        ("user@münchen.de", "user@münchen.de"),
        ("user@MÜNCHEN.de", "user@münchen.de"),
        ("user@mu\u0308nchen.de", "user@münchen.de"),
        ("user@xn--mnchen-3ya.de", "user@xn--mnchen-3ya.de"),
        ("user@XN--MNCHEN-3YA.de", "user@xn--mnchen-3ya.de"),
        ("a@ｅｘａｍｐｌｅ.com", "a@example.com"),
        ("a@example。com", "a@example.com"),
        ("Jo\u0308rg@example.com", "J\u00f6rg@example.com"),
        ("a" * 65 + "@example.com", "a" * 65 + "@example.com"),
    ],
)
def test_the_domain_is_mapped_and_the_local_part_kept(sent: str, kept: str) -> None:
    assert emails.read(sent) == kept


@pytest.mark.parametrize(
    "sent",
    [
        "ada@example.com\n", "\tada@example.com", "ada@example.com\xa0", "ada@exam\tple.com",
        "ada@example.com\u202c", "\u2066ada@example.com\u2069", "ada@example.com\u200e", "ada@ex\xadample.com",
        "ada@example.com\x85", "ada\x00@example.com", "ada@example.com\u2028", "ada@exa\ufdd0mple.com",
        "a\ufffe@example.com", "ada", "@example.com", "ada@", "ada@localhost", "ada@example", "ada@sub.localhost",
        "ada@example.test", "ada@example.TEST", "ada@a.local", "ada@a.invalid", "ada@a.onion",
        "ada@1.168.192.in-addr.arpa", "<ada@example.com>", "Ada <ada@example.com>", '"Ada" <ada@example.com>',
        '"ada"@example.com', '"a b"@example.com', "ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@127.0.0.1",
        "a@example.com,b@example.com", "a@example.com;b@example.com", "a@example.com b@example.com",
        "a@b@example.com", "mailto:ada@example.com", "ada@example.com(comment)", "ada@-example.com",
        "ada@example-.com", "ada@exa_mple.com", "ada@ex..com", "a..b@example.com", "ada@ab--cd.com",
        "ada@xn--a.com", "ada@example.c0", "a＠example.com",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused(sent: str) -> None:
    assert emails.read(sent) == Bad("invalid_email")


@pytest.mark.parametrize("sent", ["", " ", "   ", "\n", "\u3000"])
def test_white_space_is_blank(sent: str) -> None:
    assert emails.read(sent) == Bad("blank")


def test_the_length_counts_code_points_after_trimming_and_nfc() -> None:
    longest = "a" * 242 + "@example.com"
    assert emails.read("  " + longest + " ") == longest
    assert emails.read("a" + longest) == Bad("too_long")
    # 254 code points are too many octets here: the library counts those.
    assert emails.read("ä" * 242 + "@example.com") == Bad("invalid_email")
    assert emails.read("a\u0301" * 122 + "@example.com") == Bad("invalid_email")
    assert emails.read("a\u0301" * 121 + "@example.com") == "\u00e1" * 121 + "@example.com"


@pytest.mark.parametrize(
    "address",
    [char * (65_000 // len(char)) for char in ("a", "@", "a.", "a-", '"', "<", "a@", "xn--", "\u0f73")],
    ids=lambda address: ascii(address[:2]),
)
def test_endless_addresses_are_refused_at_once(address: str) -> None:
    for _ in range(50):
        assert isinstance(emails.read(address), Bad)
