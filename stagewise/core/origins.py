"""Web origins as owners type them, in the one spelling that browsers send (RFC 6454, section 6.2)."""

from __future__ import annotations

import re

import idna

from stagewise.core import addresses
from stagewise.core.entries import EntryCheck

_DEFAULT_PORT = {"http": "80", "https": "443"}
#: scheme, user and password, host, port, the rest
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(?:([^/?#@\\]*)@)?(\[[^\]]*\]|[^/?#:\[\]\\]*)(?::([0-9]*))?([/?#].*)?")
#: A host name in ASCII. Browsers also take ``_``.
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
#: Names below which whole websites are registered, as in ``example.co.uk``.
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gov", "gv", "ne", "net", "nom", "or", "org"})


def check_entry(text: str) -> EntryCheck:
    """What is to be said of an entry of the allowed origins, as typed.

    Upper case, a default port, a path and names in other scripts are brought into the spelling of browsers.
    """
    typed = text.strip()
    problem, proposal = _refused(typed)
    if problem:
        return EntryCheck(problem=problem, proposal=proposal, everything=typed == "*")
    match = _URL.fullmatch(typed)
    if match is None:
        return EntryCheck(problem="This is no origin such as https://yoursite.com.")
    scheme, user, host, port, _rest = match.groups()
    name = _ascii_host(host)
    if name is None or not _is_port(port):
        return EntryCheck(problem="This is no origin such as https://yoursite.com: its host or port is not valid.")
    value = _serialise(scheme.lower(), name, port)
    if scheme.lower() not in _DEFAULT_PORT:
        return EntryCheck(problem="Only http:// and https:// pages can be allowed.")
    if user is not None:
        return EntryCheck(problem="An origin has no user name.", proposal=value)
    return EntryCheck(value=value, changed=value != typed)


def twin(origin: str) -> str | None:
    """The same origin with ``www.`` if it has none, without if it has: the pair that owners forget.

    None where there is hardly one: addresses, ``localhost``, other subdomains.
    """
    scheme, _, rest = origin.partition("://")
    host, colon, port = rest.partition(":")
    labels = host.split(".")
    www = labels[0] == "www" and len(labels) > 2
    bare = labels[1:] if www else labels
    if "[" in rest or bare[-1].isdigit() or not _is_website(bare):
        return None
    return f"{scheme}://{'.'.join(bare if www else ['www', *bare])}{colon}{port}"


def _refused(typed: str) -> tuple[str, str | None]:
    """Problem and proposal for what is refused at first sight; an empty problem otherwise."""
    if not typed:
        return "The entry is empty.", None
    if typed == "*":
        return "This is every website. Leave the list empty to allow that.", None
    if typed.lower() == "null":
        return "Files and sandboxed pages of anybody send “null”; it can never be allowed.", None
    if re.search(r"[\s,;]", typed):
        return "Only one origin to an entry.", None
    problem, meant = "", typed
    if "://" not in typed:
        problem, meant = "The scheme is missing.", "https://" + typed.lstrip("/")
    if "*" in typed:
        problem, meant = "There are no wildcards: enter each origin by itself.", meant.replace("*.", "")
    if not problem or "*" in meant:
        return problem, None
    guess = check_entry(meant)
    return problem, guess.value or guess.proposal


def _ascii_host(host: str) -> str | None:
    if host.startswith("["):
        address = addresses.canonical(host[1:-1])
        return None if address is None else f"[{address}]" if ":" in address else address
    try:
        name = host.lower() if host.isascii() else idna.encode(host, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    if re.search(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$", name):
        # Browsers read every host that ends in a number as an IPv4 address.
        return addresses.canonical(name)
    return name if _NAME.fullmatch(name) else None


def _is_port(port: str | None) -> bool:
    return not port or (len(port) <= 5 and 0 < int(port) < 65536)


def _serialise(scheme: str, host: str, port: str | None) -> str:
    number = str(int(port)) if port else ""
    return f"{scheme}://{host}" + (f":{number}" if number and number != _DEFAULT_PORT.get(scheme) else "")


def _is_website(labels: list[str]) -> bool:
    """Whether these are the labels of a website's own name rather than of a subdomain."""
    if len(labels) == 3:
        return labels[1] in _SECOND_LEVEL and len(labels[2]) == 2
    return len(labels) == 2
