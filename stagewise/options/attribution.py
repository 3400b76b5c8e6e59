"""Where a lead came from on the web: page, referrer, campaign, click ids.

An extension of the endpoint's five fields. These are welcome and never a reason to refuse: what is too long is cut,
what cannot be used is dropped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

#: Longest kept, in characters: addresses of pages, and everything else.
URL_LIMIT, TEXT_LIMIT = 1_000, 200

URLS = ("page_url", "referrer")
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
#: What advertisers' links carry: Google, Meta, Microsoft, TikTok, LinkedIn, X.
CLICK_IDS = ("gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "li_fat_id", "twclid")
NAMES = (*URLS, *CAMPAIGN, *CLICK_IDS)

_UNUSABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_SCHEMES = ("http://", "https://")


class Attribution(msgspec.Struct, frozen=True):
    """What was sent of it, cleaned; absent is None."""

    page_url: str | None = None
    referrer: str | None = None
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    utm_term: str | None = None
    utm_content: str | None = None
    #: Click ids by name.
    click_ids: dict[str, str] = {}


def read(sent: Mapping[str, object]) -> Attribution | None:
    """What is usable of the sent values; None when nothing is. Never raises."""
    found = {name: kept for name in NAMES if (kept := _clean(name, sent.get(name))) is not None}
    if not found:
        return None
    clicks = {name: found.pop(name) for name in CLICK_IDS if name in found}
    return Attribution(**found, click_ids=clicks)


def _clean(name: str, value: object) -> str | None:
    if not isinstance(value, str):
        return None
    text = _UNUSABLE.sub("", value[: 4 * URL_LIMIT]).strip()
    if name in URLS:
        # A link that is shown must be one: no `javascript:`, and no login in front of the host.
        if not text.lower().startswith(_SCHEMES):
            return None
        return text[:URL_LIMIT]
    return text[:TEXT_LIMIT] or None
