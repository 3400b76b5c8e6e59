"""What a mail channel can be told: whom to write to, about which leads, and whether to answer who wrote.

The channel's target are addresses, separated by commas; its options are :class:`MailOptions`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import idna
import msgspec

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member
from stagewise.core import emails, text

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Addresses and members together. Each gets a mail of its own.
MOST_RECIPIENTS = 20

SUBJECT = "We have received your message"
TEXT = """\
Hello,

thank you for your message to {company}. It has arrived, and somebody will get back to you.

This confirmation was sent automatically. If you did not write to us, somebody has mistyped an address, and you need
not do anything.
"""
#: What {…} in the text can be. Nothing of it comes from the visitor.
PLACES = ("company", "website")
MOST_SUBJECT, MOST_TEXT, MOST_PER_HOUR = 120, 4_000, 1_000

_PLACE = re.compile(r"\{([^{}]*)\}")
_ADDRESS_BREAKS = re.compile(r"[\s,;]+")


class MailOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As they are kept. Empty and off at first, but for the limit."""

    #: Row ids of members of the workspace, whose addresses are looked up with every mail.
    members: tuple[int, ...] = ()
    #: Row ids of the lead types that the channel is for; empty: all of them.
    lead_types: tuple[int, ...] = ()
    #: Confirm to who wrote that the message has arrived.
    acknowledge: bool = False
    #: Row ids of the endpoints at which that is done; empty: all of them.
    acknowledge_endpoints: tuple[int, ...] = ()
    #: Empty: our own words.
    acknowledge_subject: str = ""
    acknowledge_text: str = ""
    #: Where answers to the confirmation go; empty: to the sender of all our mail.
    acknowledge_reply_to: str = ""
    #: Confirmations at one endpoint in one hour.
    acknowledge_per_hour: int = 30


def read(kept: dict[str, Any]) -> MailOptions:
    """The options of a channel that was saved; what it does not know is left out, for releases that know less."""
    known = {name: value for name, value in kept.items() if name in MailOptions.__struct_fields__}
    return msgspec.convert(known, MailOptions)


def check(target: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Target and options as they are to be kept.

    Raises :class:`ActionError` with a sentence for every field that cannot stay as it is. Ids are not looked up
    here: those that are not of the channel's workspace find nobody and choose nothing when a mail is due.
    """
    problems: dict[str, list[str]] = {}
    addresses = _addresses(target, problems)
    options = _options(given, problems)
    if not problems and not addresses and not options.members:
        problems["target"] = ["Type an address, or choose a member."]
    if len(addresses) + len(options.members) > MOST_RECIPIENTS:
        problems["target"] = [f"At most {MOST_RECIPIENTS} people can be written to. A mailing list takes more."]
    if problems:
        raise ActionError(problems)
    kept: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(options))
    return ", ".join(addresses), kept


def typed(target: str) -> list[str]:
    """The addresses of a target that was checked."""
    return [each for each in _ADDRESS_BREAKS.split(target) if each]


def members_of(workspace_id: int, ids: Iterable[int]) -> list[str]:
    """The addresses of those members of the workspace who are still there and may log in."""
    found = Member.objects.filter(workspace_id=workspace_id, id__in=list(ids), user__is_active=True)
    return list(found.order_by("id").values_list("user__email", flat=True))


def for_header(address: str) -> str | None:
    """The address as it may stand in a header of a mail: plain ASCII, one address and nothing else; else None.

    The local part is never written in another way: a mailbox with letters beyond ASCII is another one when they are
    replaced, and servers without SMTPUTF8 (RFC 6531) know none.
    """
    kept = emails.read(address)
    if not isinstance(kept, str):
        return None
    local, _, domain = kept.rpartition("@")
    try:
        ascii_domain = idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return None
    plain = f"{local}@{ascii_domain}"
    return plain if _HEADER_SAFE(plain) and len(plain) <= emails.LIMIT else None


_HEADER_SAFE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+").fullmatch


def fill_in(words: str, places: dict[str, str]) -> str:
    """The text with what stands for each ``{place}``. What is filled in is not looked through again."""
    return _PLACE.sub(lambda found: places.get(found[1], found[0]), words)


def _addresses(target: str, problems: dict[str, list[str]]) -> list[str]:
    addresses: dict[str, str] = {}
    for each in typed(target):
        plain = for_header(each)
        if plain is None:
            problems.setdefault("target", []).append(f"“{each[:100]}” is no mail address that can be written to.")
        else:
            addresses.setdefault(plain.lower(), plain)
    return list(addresses.values())


def _options(given: dict[str, Any], problems: dict[str, list[str]]) -> MailOptions:
    known: dict[str, Any] = {}
    for name, value in given.items():
        if name not in MailOptions.__struct_fields__:
            problems[name] = ["A mail channel has no such option."]
            continue
        try:
            one = msgspec.convert({name: _from_text(name, value)}, MailOptions, strict=False)
        except msgspec.ValidationError:
            problems[name] = [_EXPECTED.get(name, "This is a text.")]
            continue
        known[name] = getattr(one, name)
    options = MailOptions(**known)
    for name, problem in _wrong(options):
        problems[name] = [problem]
    reply_to = for_header(options.acknowledge_reply_to) or ""
    words = options.acknowledge_text.replace("\r\n", "\n").strip()
    subject = options.acknowledge_subject.strip()
    return msgspec.structs.replace(
        options, acknowledge_reply_to=reply_to, acknowledge_text=words, acknowledge_subject=subject
    )


def _from_text(name: str, value: Any) -> Any:
    """The value of an option that was typed on the command line: ids with commas, on and off."""
    if not isinstance(value, str):
        return value
    if name in _IDS:
        return [each.strip() for each in value.split(",") if each.strip()]
    return {"on": True, "off": False}.get(value, value) if name == "acknowledge" else value


_IDS = ("members", "lead_types", "acknowledge_endpoints")
_EXPECTED = {
    **dict.fromkeys(_IDS, "This is a list of ids."),
    "acknowledge": "This is on or off.",
    "acknowledge_per_hour": "This is a whole number.",
}


def _wrong(options: MailOptions) -> list[tuple[str, str]]:
    """Options that have the right type and cannot be used, with the reason."""
    found = []
    if not 1 <= options.acknowledge_per_hour <= MOST_PER_HOUR:
        found.append(("acknowledge_per_hour", f"Choose a number from 1 to {MOST_PER_HOUR:,}."))
    if options.acknowledge_reply_to and for_header(options.acknowledge_reply_to) is None:
        found.append(("acknowledge_reply_to", "This is no mail address that can be written to."))
    subject, words = options.acknowledge_subject.strip(), options.acknowledge_text.strip()
    if subject and not isinstance(text.line(subject, MOST_SUBJECT, text.BIDI_CONTROLS), str):
        found.append(("acknowledge_subject", f"A subject is one line of at most {MOST_SUBJECT} characters."))
    if words and text.message(words, MOST_TEXT) != words.replace("\r\n", "\n"):
        found.append(("acknowledge_text", f"This is plain text of at most {MOST_TEXT:,} characters."))
    for name, value in (("acknowledge_subject", subject), ("acknowledge_text", words)):
        unknown = sorted(set(_PLACE.findall(value)) - set(PLACES))
        if unknown:
            known = " and ".join(f"{{{place}}}" for place in PLACES)
            found.append((name, f"{{{unknown[0]}}} stands for nothing here; there are {known}."))
    return found
