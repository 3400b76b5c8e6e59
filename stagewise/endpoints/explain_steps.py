"""The words for each check of a call that is explained: what was looked at, and why it passed or did not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.core import origins
from stagewise.core.addresses import AddressSet, bucket
from stagewise.core.limits import LARGEST, WINDOW_MS, Window
from stagewise.endpoints.optional import PROVIDERS
from stagewise.options.holding import REASONS
from stagewise.options.source import HEADER, ceiling_bucket, source_of

if TYPE_CHECKING:
    from stagewise.core.submission import Submission
    from stagewise.endpoints.asking import Asking
    from stagewise.endpoints.models import Endpoint
    from stagewise.store.records import Decision, Rows
    from stagewise.store.view import Entry

#: At which check a call ends that is refused so.
_ENDS: Final = {
    "endpoint_disabled": "key",
    "ip_not_allowed": "address",
    "origin_not_allowed": "origin",
    "origin_required": "origin",
    "too_large": "body",
    "invalid_json": "json",
    "invalid_request": "visitor",
    "missing_fields": "fields",
    "invalid_fields": "fields",
    "unknown_lead_type": "lead_type",
    "captcha_failed": "captcha",
    "captcha_unavailable": "captcha",
    "rate_limited": "limit",
    "holding_full": "holding",
}
#: So many entries and lead types are named.
_NAMED: Final = 8


@dataclass(frozen=True)
class Told:
    """Everything that there is to tell of."""

    endpoint: Endpoint
    entry: Entry
    submission: Submission
    decision: Decision
    rows: Rows
    view: Asking
    asks_captcha: bool


@dataclass(frozen=True)
class Telling:
    """One check in words: ``words`` where it passed or does not apply, ``why_not`` where the call ends at it."""

    code: str
    label: str
    words: str
    why_not: str = ""
    skipped: bool = False
    #: A moment that the words end with, milliseconds since 1970.
    at: int | None = None


def step_of(decision: Decision) -> str:
    """The code of the check at which the call ends; empty where it passes them all."""
    return _ENDS.get(decision.outcome, "")


def told(of: Told) -> list[Telling]:
    """All checks in the order of the contract, with the optional ones only where they are on."""
    found = [_method(), _key(), _address(of), _origin(of), _media_type(), _body(), _json()]
    if of.submission.visitor is not None:
        found.append(_visitor(of))
    found += [_idempotency(), _fields(of), _lead_type(of)]
    if of.entry.options.captcha is not None:
        found.append(_captcha(of))
    found.append(_limit(of))
    if of.decision.outcome == "duplicate":
        found.append(Telling("repeat", _("Repeat"), _("The same came within the last five minutes: no second lead.")))
    if of.entry.options.may_hold:
        found.append(_holding(of))
    return found


def _method() -> Telling:
    return Telling("method", _("Method"), _("A POST to the endpoint's URL."))


def _key() -> Telling:
    return Telling(
        "key",
        _("Endpoint"),
        _("It is switched on."),
        _("It is switched off: every call is refused."),
    )


def _address(of: Told) -> Telling:
    address, entries = of.submission.caller.address or "", of.endpoint.allowed_ips
    listed = next((each for each in entries if address in AddressSet([each])), None)
    if of.endpoint.allow_all_ips:
        words = _("“Allow from all IPs” is on.")
    elif listed == address:
        words = _("%(address)s is on the list.") % {"address": address}
    else:
        words = _("%(address)s is on the list, by %(entry)s.") % {"address": address, "entry": listed}
    why_not = ngettext(
        "%(address)s is not the one entry on the list.",
        "%(address)s is on none of the %(count)s entries of the list.",
        len(entries),
    ) % {"address": address, "count": f"{len(entries):,}"}
    if not entries:
        why_not = _("The list is empty and “Allow from all IPs” is off, so nobody may call.")
    return Telling("address", _("IP address"), words, why_not)


def _origin(of: Told) -> Telling:
    label, origin, allowed = _("Origin"), of.submission.origin, of.endpoint.allowed_origins
    if not allowed:
        return Telling("origin", label, _("No origins are set, so every origin may call."), skipped=True)
    if origin is None:
        words = _("None was sent; %(address)s is on the IP list, so none is needed.")
        why_not = _("None was sent, and %(address)s is not on the IP list.")
        address = {"address": of.submission.caller.address}
        return Telling("origin", label, words % address, why_not % address)
    meant = origins.check_entry(origin)
    why_not = _("%(origin)s is not on the list: %(entries)s.") % {"origin": origin, "entries": _some(allowed)}
    if meant.value in allowed or meant.proposal in allowed:
        near = meant.value if meant.value in allowed else meant.proposal
        why_not = _("It is compared letter by letter: browsers send %(near)s.") % {"near": near}
    return Telling("origin", label, _("%(origin)s is on the list.") % {"origin": origin}, why_not)


def _media_type() -> Telling:
    return Telling(
        "media_type", _("Content-Type"), _("Taken to be application/json; anything else is refused."), skipped=True
    )


def _body() -> Telling:
    return Telling("body", _("Size"), _("At most 65,536 bytes."), _("The body has more than 65,536 bytes."))


def _json() -> Telling:
    why_not = _("This is not valid JSON, or one of the five names stands in it twice.")
    return Telling("json", _("JSON"), _("Valid JSON."), why_not)


def _visitor(of: Told) -> Telling:
    rules, submission = of.entry.rules, of.submission
    source = source_of(rules, submission, forwarding=of.entry.options.forwarding)
    label = _("Visitor's IP")
    if source is not None and source.note:
        return Telling("visitor", label, _("Ignored: only an allowed IP may name one, with forwarding on."))
    words = _("The caller may name its visitor: %(address)s is the one that counts.")
    address = "" if source is None else source.address
    why_not = _("%(header)s does not hold one readable IP address.") % {"header": HEADER}
    return Telling("visitor", label, words % {"address": address}, why_not)


def _idempotency() -> Telling:
    return Telling("idempotency", _("Idempotency-Key"), _("None here."), skipped=True)


def _fields(of: Told) -> Telling:
    fields = of.submission.fields
    words = _("Name, phone and e-mail are there and valid.")
    if fields is not None and fields.phone_e164:
        words += " " + _("The phone number is %(number)s.") % {"number": fields.phone_e164}
    return Telling("fields", _("Fields"), words, " ".join(_(error.detail) for error in of.submission.field_errors))


def _lead_type(of: Told) -> Telling:
    label, types = _("Lead type"), of.entry.types
    sent = of.submission.fields.lead_type_name if of.submission.fields else None
    chosen = types.choose(sent)
    names = list(dict.fromkeys(rule.name for rule in types.by_key.values()))
    if sent is None:
        words = _("None was named, so it is the first: “%(name)s”.") % {"name": chosen.name if chosen else ""}
        return Telling("lead_type", label, words, _("There is no lead type in use."))
    why_not = _("“%(sent)s” is no lead type in use. There are: %(names)s.") % {"sent": sent, "names": _some(names)}
    return Telling("lead_type", label, f"“{chosen.name}”." if chosen else "", why_not)


def _captcha(of: Told) -> Telling:
    provider = PROVIDERS.get(of.endpoint.captcha.get("provider", ""), "")
    words = _("It was solved.")
    if of.asks_captcha:
        words = _("%(provider)s would be asked about the token; from here on as if it said yes.") % {
            "provider": provider
        }
    elif "captcha" in _held_for(of):
        words = _("The token is missing or wrong; such leads are held.")
    return Telling("captcha", "CAPTCHA", words, _("The token is missing, wrong, too old or used before."))


def _limit(of: Told) -> Telling:
    """The rolling limit as it stands now, whatever this call would come to."""
    label, rules = _("Limit"), of.entry.rules
    source = source_of(rules, of.submission, forwarding=of.entry.options.forwarding)
    address = source.address if source else of.submission.caller.address or ""
    place = (rules.endpoint_id, bucket(address))
    window = of.view.windows({place: rules.limit or LARGEST})[place]
    if of.decision.note == "server_ceiling" and source is not None and source.forwarded_by:
        server = (rules.endpoint_id, ceiling_bucket(source.forwarded_by))
        ceiling = of.entry.options.server_ceiling or 0
        window = of.view.windows({server: ceiling})[server]
        why_not = _("The server has used its ceiling of %(limit)s leads; its next slot is free")
        return Telling("limit", label, "", why_not % {"limit": f"{ceiling:,}"}, at=_free_at(window))
    used = f"{window.count:,}"
    if rules.limit is None:
        words = ngettext(
            "There is no limit. %(used)s lead came from this address in the last 24 hours.",
            "There is no limit. %(used)s leads came from this address in the last 24 hours.",
            window.count,
        )
        return Telling("limit", label, words % {"used": used}, skipped=True)
    figures = {"used": used, "limit": f"{rules.limit:,}"}
    if window.is_full:
        words = _("%(used)s of %(limit)s used in the last 24 hours; next slot free") % figures
    elif window.oldest is not None:
        words = _("%(used)s of %(limit)s used in the last 24 hours; the oldest leaves") % figures
    else:
        words = _("%(used)s of %(limit)s used in the last 24 hours.") % figures
    return Telling("limit", label, words, at=_free_at(window))


def _free_at(window: Window) -> int | None:
    """When the next slot is free, or (while there are some) when the oldest hit leaves."""
    decisive = window.nth if window.count > window.limit else window.oldest
    return None if decisive is None else decisive + WINDOW_MS


def _holding(of: Told) -> Telling:
    reasons = [REASONS[code] for code in _held_for(of).split(",") if code in REASONS]
    words = _("Held until somebody looks at it: %(reasons)s") % {"reasons": " ".join(reasons)}
    if not reasons:
        words = _("Nothing about it is suspicious.")
    return Telling("holding", _("Suspicion"), words, _("It is suspicious, and 1,000 held leads wait already."))


def _held_for(of: Told) -> str:
    return of.rows.held[0].reasons if of.rows.held else ""


def _some(texts: list[str]) -> str:
    more = len(texts) - _NAMED
    return ", ".join(texts[:_NAMED]) + (_(" and %(count)s more") % {"count": f"{more:,}"} if more > 0 else "")
