"""Telephone numbers as people type them: what is taken, what is kept, and the E.164 form where it is certain."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat
from phonenumbers.phonemetadata import PhoneNumberDesc

from stagewise.core.text import BIDI_CONTROLS, Bad, line

LIMIT = 40
FEWEST, MOST = 5, 20
#: ITU-T E.164, section 6.1: country code and national number together.
_E164_DIGITS = 15

_INVALID = Bad("invalid_phone")
#: What is removed: bidi controls, and the two marks that address books paste around numbers.
_REMOVED = re.compile(BIDI_CONTROLS.pattern[:-1] + "\u200e\u200f]")
_MATHEMATICAL = range(0x1D7CE, 0x1D800)
_FULL_WIDTH_PLUS = "\uff0b"
#: Kept as typed, but read as the plain sign: hyphens and dashes, the minus, full-width forms of what is allowed.
_READ_AS = str.maketrans("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\uff0d\uff08\uff09\uff0e\uff0f", "--------()./")
_ORDINARY = re.compile(r"[+(]?[0-9][0-9 ()./-]*+(?<! )").fullmatch
_NO_DIGIT = re.compile(r"[ ()./-]+")
#: What stands behind the number itself: an extension, dial pauses with what is dialled after them, a closing `#`.
_TAIL = re.compile(
    r"""(?:\ *(?:;ext=|(?<![a-z])(?:ext(?:n|ension)?|x)[.:]?\ *|доб\.?\ *|\#\ *)[0-9]{1,15})?
        (?:\ *(?:[,;]+[0-9 -]*|(?<![a-z])[pw]+\ *[0-9][0-9 -]*))*
        \ *\#?\Z""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"(?:tel:)?[ (]*(\+[ (]*\+?)?([0-9a-z ()./-]*)")
#: A vanity number (`1-800-FLOWERS`): digits, then at least three letters, but not behind a whole number of ten digits.
_VANITY = re.compile(r"(?!.*\bext)[ ()./-]*(?:[0-9][ ()./-]*){1,9}(?:[a-z][0-9 ()./-]*){3,}")
_KEYPAD = str.maketrans("abcdefghijklmnopqrstuvwxyz", "22233344455566677778889999")


def read(text: str) -> tuple[str, str | None] | Bad:
    """Return the number as it is kept and its E.164 form, None where that is not certain from the number alone."""
    if len(text) <= LIMIT and _ORDINARY(text):
        digits = _NO_DIGIT.sub("", text)
        if FEWEST <= len(digits) - (digits[0] == "+") <= MOST:
            return text, _international(digits)
        return _INVALID
    return read_carefully(text)


def read_carefully(text: str) -> tuple[str, str | None] | Bad:
    """Do the same for every text; :func:`read` only knows the ordinary ones faster."""
    kept = line(text, LIMIT, _REMOVED)
    if isinstance(kept, Bad):
        return _INVALID if kept.code == "type" else kept
    if not kept.isascii():
        kept = "".join(map(_plain_digit, kept))
    dialled = _dialled(kept)
    return _INVALID if dialled is None else (kept, _international(dialled))


def phone_details(phone: str, region: str | None) -> tuple[str | None, bool]:
    """Return E.164 form and validity of a kept number; national numbers are read as numbers of the region.

    ``region`` is an ISO 3166 two-letter code; without one only international numbers can be valid.
    """
    dialled = _dialled(phone)
    if dialled is None:
        return None, False
    found = None
    if region and not dialled.startswith("+") and not _has_letters(dialled):
        found = _parsed(dialled, region.upper())
    found = found or _international(dialled)
    return found, found is not None


def _plain_digit(char: str) -> str:
    if char == _FULL_WIDTH_PLUS:
        return "+"
    if unicodedata.category(char) == "Nd" and ord(char) not in _MATHEMATICAL:
        return str(unicodedata.decimal(char))
    return char


def _dialled(kept: str) -> str | None:
    """Return the number itself, digits and letters with at most a leading ``+``; None if there is none."""
    plain = kept.lower().translate(_READ_AS)
    if not plain.isascii():
        plain = "".join([" " if unicodedata.category(char) == "Zs" else char for char in plain])
    tail = _TAIL.search(plain)
    number = _NUMBER.fullmatch(plain, 0, tail.start() if tail else len(plain))
    if number is None or (_has_letters(number[2]) and not _VANITY.fullmatch(number[2])):
        return None
    digits = _NO_DIGIT.sub("", number[2])
    if not FEWEST <= len(digits) <= MOST:
        return None
    return "+" + digits if number[1] else digits


def _has_letters(plain: str) -> bool:
    return re.search("[a-z]", plain) is not None


def _international(dialled: str) -> str | None:
    """Return the E.164 form of a number that begins with ``+`` or ``00``, if it is a valid one.

    ``001`` stays open: it is the United States from one country and the way out of another.
    """
    if dialled[0] != "+":
        if not dialled.startswith("00") or dialled[2] == "1":
            return None
        dialled = "+" + dialled[2:]
    digits = dialled[1:]
    if _is_plainly_valid(digits):
        return dialled
    if digits.isdigit():
        return _parsed(dialled, None)
    # Where numbers may have any length, letters that were no vanity number could pass for a part of it.
    return _parsed(dialled.translate(_KEYPAD), None) if digits[0] == "1" else None


def _parsed(dialled: str, region: str | None) -> str | None:
    try:
        number = phonenumbers.parse(dialled, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    form: str = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return form if len(form) <= _E164_DIGITS + 1 else None


def _is_plainly_valid(digits: str) -> bool:
    """Whether the library finds these digits, behind a ``+``, valid as they stand. A "no" may be too careful."""
    for length in (1, 2, 3):
        code = digits[:length]
        if code in _CALLING_CODES:
            is_valid, trunk_prefix = _plan(code)
            national = digits[length:]
            if not is_valid(national) or len(digits) > _E164_DIGITS:
                return False
            # What looks like a trunk prefix may be stripped by the library: let it decide.
            prefix = trunk_prefix(national) if trunk_prefix else None
            return prefix is None or prefix.end() == 0
    return False


_CALLING_CODES = frozenset(map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE))
_Match = Callable[[str], re.Match[str] | None]


@functools.cache
def _plan(calling_code: str) -> tuple[_Match, _Match | None]:
    """Return tests for valid national numbers of a calling code, and for trunk prefixes, from the library's tables."""
    code = int(calling_code)
    regions = [_metadata(code, region) for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[code]]
    claimed = [region.leading_digits for region in regions if region.leading_digits]
    ways = []
    for region in regions:
        # As the library chooses a region: by its leading digits where it has some, else by a type that fits.
        others = "".join(f"(?!{digits})" for digits in claimed if digits != region.leading_digits)
        own = f"(?={region.leading_digits})" if region.leading_digits else ""
        types = "|".join(filter(None, map(_pattern, _descriptions(region))))
        ways.append(f"{others}{own}(?={_pattern(region.general_desc)}\\Z)(?:{types})")
    prefix = regions[0].national_prefix_for_parsing
    return re.compile("|".join(ways)).fullmatch, re.compile(prefix).match if prefix else None


def _metadata(code: int, region: str) -> PhoneMetadata:
    found = (
        PhoneMetadata.metadata_for_nongeo_region(code)
        if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
        else PhoneMetadata.metadata_for_region(region)
    )
    assert found is not None, (code, region)
    return found


def _descriptions(region: PhoneMetadata) -> list[PhoneNumberDesc | None]:
    return [
        region.fixed_line, region.mobile, region.toll_free, region.premium_rate, region.shared_cost,
        region.personal_number, region.voip, region.pager, region.uan, region.voicemail,
    ]  # fmt: skip


def _pattern(description: PhoneNumberDesc | None) -> str:
    """Return the pattern of a description with its possible lengths, empty where it has none."""
    if description is None or not description.national_number_pattern:
        return ""
    lengths = "|".join(f".{{{length}}}" for length in description.possible_length)
    return (rf"(?=(?:{lengths})\Z)" if lengths else "") + f"(?:{description.national_number_pattern})"
