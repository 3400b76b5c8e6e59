"""What makes a lead suspicious. Suspicious leads are held, not lost: pure rules, all off until the owner sets them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence

import idna
import msgspec

from stagewise.core.fields import Fields
from stagewise.options.rules import HoldingRules
from stagewise.options.signals import Signals

#: Held leads that may wait at one endpoint, and for how long.
MOST_WAITING = 1_000
DAYS_WAITING = 30
#: Discarded ones can be brought back for so many days.
DAYS_DISCARDED = 7
#: A message counts as repeated when it came again within this time.
REPEATED_WITHIN_MS = 86_400_000

#: Every reason to hold a lead: code → in words for the owner.
REASONS: dict[str, str] = {
    "honeypot": "A field that people do not see was filled in.",
    "too_fast": "It was sent sooner after the form was shown than a person can write.",
    "links": "It holds more links than you allow.",
    "repeated": "The same message came several times within 24 hours.",
    "blocked_word": "It holds a word that you blocked.",
    "blocked_domain": "Its e-mail address or a link in it belongs to a domain that you blocked.",
    "captcha_failed": "The CAPTCHA was not solved.",
    "captcha_unavailable": "The CAPTCHA could not be checked, because its provider did not answer.",
    "over_limit": "The address had used all its leads of the last 24 hours.",
}

# With or without a scheme, as people and bots write them.
_LINK = re.compile(r"(?i)\b(?:https?://|www\.)\S+|\[url\b|<a\b")
_HOST = re.compile(r"(?i)\b(?:https?://(?:[^\s/@]*@)?|www\.)([^\s/:?#\"'<>\]]+)")


class Holding(msgspec.Struct, frozen=True):
    """The rules of an endpoint, compiled."""

    rules: HoldingRules
    words: re.Pattern[str] | None
    domains: frozenset[str]


def compiled(rules: HoldingRules) -> Holding | None:
    """The rules ready for use; None when none is on."""
    if rules == HoldingRules():
        return None
    words = None
    if rules.words:
        alternatives = "|".join(re.escape(word.lower()) for word in sorted(rules.words, key=len, reverse=True))
        words = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)")
    return Holding(rules, words, frozenset(spelling for domain in rules.domains for spelling in _spellings(domain)))


def _spellings(domain: str) -> list[str]:
    """A domain as programs write it and, where that is another, as people do: fields may hold either."""
    found = [domain.lower()]
    if "xn--" in found[0]:
        with contextlib.suppress(UnicodeError):
            found.append(idna.decode(found[0]))
    return found


def reasons(holding: Holding, fields: Fields, signals: Signals, seen_before: int) -> list[str]:
    """Codes of all rules that the lead breaks. ``seen_before``: how often its message has come within 24 hours."""
    rules = holding.rules
    written = f"{fields.name}\n{fields.email}\n{fields.message or ''}".lower()
    found = []
    if rules.honeypot and signals.honeypot:
        found.append("honeypot")
    elapsed = signals.elapsed_ms
    if rules.min_seconds is not None and elapsed is not None and elapsed < rules.min_seconds * 1000:
        found.append("too_fast")
    if rules.max_links is not None and len(_LINK.findall(written)) > rules.max_links:
        found.append("links")
    if rules.repeated is not None and seen_before + 1 >= rules.repeated:
        found.append("repeated")
    if holding.words is not None and holding.words.search(written):
        found.append("blocked_word")
    if holding.domains and any(_is_blocked(host, holding.domains) for host in _hosts(fields, written)):
        found.append("blocked_domain")
    return found


def counts_messages(holding: Holding | None, fields: Fields) -> bool:
    """Whether it matters how often this message came."""
    return holding is not None and holding.rules.repeated is not None and fields.message is not None


def _hosts(fields: Fields, written: str) -> Sequence[str]:
    return [fields.email.rpartition("@")[2].lower(), *(host.rstrip(".") for host in _HOST.findall(written))]


def _is_blocked(host: str, domains: frozenset[str]) -> bool:
    labels = host.split(".")
    return any(".".join(labels[start:]) in domains for start in range(len(labels)))
