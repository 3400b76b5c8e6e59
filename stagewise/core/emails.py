"""Addresses of mail: what email-validator accepts without looking into the DNS, the domain in one spelling."""

from __future__ import annotations

import re

import idna
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from stagewise.core.text import BLANK, TOO_LONG, Bad, nfc

#: Code points (RFC 5321, section 4.5.3.1.3, less the angle brackets); the library counts octets besides.
LIMIT = 254

_INVALID = Bad("invalid_email")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"
#: A label without `--`, which marks labels of another kind (RFC 5890, section 2.3.1).
_LABEL = r"(?=[A-Za-z0-9-]{1,63}\.)[A-Za-z0-9]++(?:-[A-Za-z0-9]++)*+\."
_ORDINARY = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+@(?:{_LABEL})+[A-Za-z]{{2,63}}").fullmatch
_SPECIAL_USE = tuple(mark + name for name in SPECIAL_USE_DOMAIN_NAMES for mark in ".@")


def read(text: str) -> str | Bad:
    """Return the address as it is kept: local part as typed, domain in lower case and mapped (UTS #46)."""
    if len(text) <= LIMIT and _ORDINARY(text):
        kept = _with_lower_domain(text)
        if not kept.endswith(_SPECIAL_USE):
            return kept
    return read_carefully(text)


def read_carefully(text: str) -> str | Bad:
    """Do the same for every text; :func:`read` only knows the ordinary ones faster."""
    if not text.strip():
        return BLANK
    address = nfc(text.strip(" "), LIMIT)
    if address is None:
        return TOO_LONG
    if "@" not in address:  # the commonest mistake; the library would take the address apart to find it
        return _INVALID
    try:
        validate_email(address, check_deliverability=False)
        local, _, domain = address.rpartition("@")
        # Not the library's own normal form: it would turn punycode into letters that look like others.
        return f"{local}@{idna.uts46_remap(domain, std3_rules=False, transitional=False)}"
    except (EmailNotValidError, idna.IDNAError):
        return _INVALID


def _with_lower_domain(address: str) -> str:
    if address.islower():
        return address
    local, _, domain = address.rpartition("@")
    return f"{local}@{domain.lower()}"
