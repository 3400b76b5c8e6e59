"""The test checklist of the guide: each item is done once such a call of the endpoint stands in the journal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

from stagewise.endpoints import recent

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen

#: What an answer that a website must bear is called, for the item on errors.
_TROUBLE: Final = (
    "unavailable", "outcome_unknown", "captcha_unavailable", "holding_full", "idempotency_in_flight", "invalid_json",
    "unsupported_media_type", "too_large", "timeout",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One thing to try. ``kinds``: outcomes, each with a part of the wrong fields that it must have."""

    code: str
    label: StrPromise
    #: How to make such a call.
    hint: StrPromise
    kinds: tuple[tuple[str, str], ...]
    #: A header that forces such an answer on a caller who may call, and stores nothing.
    header: str = ""


@dataclass(frozen=True)
class Ticked:
    """An item, and the newest call that did it; None: not seen yet."""

    item: Item
    seen: Seen | None


ITEMS: Final = (
    Item(
        "valid", _("Valid data"), _("Send your form with everything filled in: 201."),
        (("created", ""), ("test_created", "")),
    ),
    Item(
        "missing", _("Missing fields"), _("Send it without a name: your form must say what is missing."),
        (("missing_fields", ""),), "Stagewise-Test: missing_fields",
    ),
    Item(
        "email", _("Invalid e-mail"), _("Send “not an address” as e-mail: your form must let people correct it."),
        (("invalid_fields", "email:"), ("missing_fields", "email:invalid_email")), "Stagewise-Test: invalid_fields",
    ),
    Item(
        "limit", _("Rate limit"), _("Send more leads than the limit allows, or force the answer with the header."),
        (("rate_limited", ""),), "Stagewise-Test: rate_limited",
    ),
    Item(
        "ip", _("Another IP"), _("Call from a computer that is not on the list, such as your own: 403 IP not allowed."),
        (("ip_not_allowed", ""),),
    ),
    Item(
        "cors", _("CORS"), _("Call with an Origin that is not allowed: 403 Request blocked."),
        (("origin_not_allowed", ""), ("origin_required", "")),
    ),
    Item(
        "errors", _("Error handling"), _("Force an error of ours: your form must say something kind and try again."),
        tuple((outcome, "") for outcome in _TROUBLE), "Stagewise-Test: unavailable",
    ),
)  # fmt: skip


def ticked(endpoint: Endpoint) -> list[Ticked]:
    """The items in the guide's order, each with the newest call that did it. One query."""
    kinds = [kind for item in ITEMS for kind in item.kinds]
    found = recent.newest_of_each(endpoint, list(dict.fromkeys(kinds)))
    return [Ticked(item, _newest(item, found)) for item in ITEMS]


def _newest(item: Item, found: list[Seen]) -> Seen | None:
    fitting = [seen for seen in found if any(_fits(seen, *kind) for kind in item.kinds)]
    return max(fitting, key=lambda seen: seen.id, default=None)


def _fits(seen: Seen, outcome: str, errors: str) -> bool:
    named = ",".join(f"{name}:{code}" for name, code in seen.row.field_errors)
    return seen.row.outcome.code == outcome and errors in named
