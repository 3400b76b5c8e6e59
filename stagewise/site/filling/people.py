"""Made up people (people.toml), the same ones again for the same number: some of them write more than once."""

from __future__ import annotations

import functools
import itertools
import random
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any, NamedTuple

_DIGITS = re.compile(r"\{(\d)\}")
#: Multiplies numbers so that people with neighbouring ones have nothing in common.
_SPREAD = 0x9E3779B97F4A7C15
_MASK = 0xFFFF_FFFF_FFFF_FFFF


class Person(NamedTuple):
    """Who writes; ``kind`` is which of the groups in people.toml."""

    kind: int
    name: str
    email: str
    phone: str
    phone_e164: str


@functools.cache
def groups() -> list[dict[str, Any]]:
    """The groups of people.toml, each with its names as they are written in an e-mail address."""
    found = tomllib.loads((Path(__file__).parent / "people.toml").read_text("utf-8"))["people"]
    for group in found:
        for part in ("first", "last"):
            group.setdefault(f"ascii_{part}", [_ascii(each) for each in group[part]])
    return list(found)


@functools.cache
def _shares() -> list[int]:
    return list(itertools.chain.from_iterable([at] * group["share"] for at, group in enumerate(groups())))


def person(number: int) -> Person:
    """The person with this number."""
    rest = (number + 1) * _SPREAD & _MASK

    def below(most: int) -> int:
        nonlocal rest
        rest, found = divmod(rest, most)
        return found

    shares = _shares()
    kind = shares[below(len(shares))]
    group = groups()[kind]
    first, last = below(len(group["first"])), below(len(group["last"]))
    ending = group["ending"][below(len(group["ending"]))]
    name = f"{group['first'][first]} {group['last'][last]}{ending}"
    handle = f"{group['ascii_first'][first]}.{group['ascii_last'][last]}{_ascii(ending)}"
    spelling = below(len(group["phone"]))
    digits = f"{below(10_000):04}"
    email = f"{handle}{below(900) or ''}@{('example.com', 'example.org', 'example.net', 'mail.example')[below(4)]}"
    return Person(kind, name, email, _with(group["phone"][spelling], digits), _with(group["e164"][spelling], digits))


def message(kind: int, random_: random.Random) -> str:
    """Something that a person of this group may say: one to four sentences."""
    group = groups()[kind]
    chosen = random_.choices(group["say"], k=1 + int(random_.random() * 4))
    text = ("\n" if random_.random() < 0.2 else " ").join(dict.fromkeys(chosen))
    return text.replace("{word}", random_.choice(group["word"])).replace("{n}", str(2 + int(random_.random() * 60)))


def _with(pattern: str, digits: str) -> str:
    """The pattern with ``{2}`` replaced by two of the digits, and so on, one after the other."""
    rest = iter(digits)
    return _DIGITS.sub(lambda found: "".join(itertools.islice(rest, int(found[1]))), pattern)


@functools.cache
def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss").replace("\u0131", "i"))
    return "".join(sign for sign in plain if sign.isascii() and sign.isalnum())
