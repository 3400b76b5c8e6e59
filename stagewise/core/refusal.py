"""ONE table of every reason to say no, and of every way in which a call can end.

What a caller is told (title, detail) and what the owner reads in Logs (``in_words``, ``mend``) are different texts: the
first is fit to show to an end user and gives nothing away, the second says what to do about it. Titles are those of
the guide where it names one, else the phrases of RFC 9110, section 15. The shape of the answer is RFC 9457.
"""

from __future__ import annotations

import msgspec


class Refusal(msgspec.Struct, frozen=True):
    """A reason to say no. ``detail`` may hold ``{address}``; nothing else is ever filled in."""

    code: str
    status: int
    title: str
    detail: str
    in_words: str
    mend: str = ""
    #: Whole seconds for ``Retry-After``; the limit computes its own.
    retry_after: int | None = None


_TABLE = (
    # 400: the message cannot be read
    Refusal("invalid_request", 400, "Invalid request",
            "The request is not complete, or one of its headers cannot be used.",
            "A header was missing or unusable (Host, Idempotency-Key), or the body broke off.",
            "The sending program must be mended."),
    Refusal("invalid_json", 400, "Invalid request", "The body is not valid JSON in UTF-8.",
            "The body was not valid JSON.",
            "The sending program must be mended; the error's page names the usual causes."),
    # 403: this caller may not
    Refusal("ip_not_allowed", 403, "IP not allowed", "The address {address} may not send leads here.",
            "The caller's address is not on the list of allowed IPs.", "Allow the address if it is your server."),
    Refusal("origin_not_allowed", 403, "Request blocked", "Pages of this website may not send leads here.",
            "The page's origin is not on the list of allowed CORS origins.", "Allow the origin if it is your website."),
    Refusal("origin_required", 403, "Request blocked",
            "Leads are taken here from web pages only, and this request does not say which page it comes from.",
            "No Origin was sent, and the address is not on the list of allowed IPs.",
            "Add the server's address to the allowed IPs, or call from the website's pages."),
    # 404 to 431: this request cannot be taken, whoever sends it
    Refusal("not_found", 404, "Not Found", "There is nothing here. Check the address of the endpoint.",
            "The key in the URL does not exist.", "Copy the endpoint's URL again from Integration → Stagewise API."),
    Refusal("method_not_allowed", 405, "Method Not Allowed", "Leads are sent with POST.", "The call was not a POST.",
            "The sending program must use POST."),
    Refusal("timeout", 408, "Request Timeout", "The request took too long to arrive. Nothing was stored.",
            "The body did not arrive within 10 seconds.", "Often a slow connection; the caller may try again."),
    Refusal("endpoint_disabled", 410, "Gone", "Leads are no longer taken here.",
            "The endpoint is switched off, or the key was rotated away.",
            "Switch the endpoint on, or give the caller the new URL."),
    Refusal("too_large", 413, "Content Too Large", "The body is larger than 65,536 bytes.",
            "The body was larger than 65,536 bytes.", "The sending program must send the lead's fields only."),
    Refusal("uri_too_long", 414, "URI Too Long", "The address of the request is too long.", "The URL was too long.",
            "Lead data belongs in the body, not in the URL."),
    Refusal("unsupported_media_type", 415, "Unsupported Media Type",
            "Send JSON: Content-Type: application/json, UTF-8, not compressed.",
            "The Content-Type was not application/json.", "The sending program must send JSON and say so."),
    Refusal("headers_too_large", 431, "Request Header Fields Too Large",
            "The headers of the request are larger than 16 KiB.", "The headers were larger than 16 KiB.",
            "Often cookies; the sending program must send less."),
    # 409, 422: the content
    Refusal("idempotency_in_flight", 409, "Conflict",
            "The same submission is being processed right now. Try again in a second.",
            "Another call with the same Idempotency-Key was still being processed.", "The caller may try again.", 1),
    Refusal("missing_fields", 422, "Missing fields", "Name, phone and email are needed.",
            "Name, phone or e-mail was missing or blank.",
            "See which fields; check the form and the proxy that sends them."),
    Refusal("invalid_fields", 422, "Invalid request", "Some of the fields cannot be accepted as they are.",
            "At least one field was not valid.", "See which fields; the visitor may correct them."),
    Refusal("unknown_lead_type", 422, "Invalid request", "There is no lead type of this name.",
            "lead_type_name matches no active lead type.", "Add a lead type of that name, or correct the form."),
    Refusal("idempotency_mismatch", 422, "Invalid request",
            "This Idempotency-Key was already used for a different submission.",
            "The Idempotency-Key was used before with other fields.",
            "The sending program must use a new key for a new lead."),
    Refusal("captcha_failed", 422, "Invalid request", "The CAPTCHA was not solved, or it is too old. Try it again.",
            "The CAPTCHA's token was missing, wrong, too old or used before.",
            "Check that the form sends captcha_token; a person may try again."),
    # 429: the limit
    Refusal("rate_limited", 429, "Too Many Requests", "Too many leads came from this address. Try again later.",
            "The address has used all its leads of the last 24 hours.", "Raise the limit if these are real people."),
    # 503: us
    Refusal("unavailable", 503, "Service Unavailable", "Nothing was stored. Try again in a moment.",
            "The database could not be reached, or too much came at once. Nothing was stored.",
            "Look at the log of the intake process.", 2),
    Refusal("outcome_unknown", 503, "Service Unavailable",
            "It is not certain whether this was stored. Try again with the same Idempotency-Key.",
            "The database broke off while storing. The lead may be there.", "Look at the log of the intake process.",
            2),
    Refusal("captcha_unavailable", 503, "Service Unavailable",
            "The CAPTCHA cannot be checked just now. Nothing was stored. Try again in a moment.",
            "The CAPTCHA's provider did not answer, or refused our secret key.",
            "Check its keys and this machine's way to the internet; or let leads be held while it is down.", 5),
    Refusal("holding_full", 503, "Service Unavailable", "Nothing was stored. Try again later.",
            "The lead looked suspicious, and 1,000 held leads wait already.", "Release or discard held leads.", 3600),
)  # fmt: skip

#: code → refusal
REFUSALS: dict[str, Refusal] = {refusal.code: refusal for refusal in _TABLE}

#: Calls that ended well: outcome → (status, in words).
ACCEPTED: dict[str, tuple[int, str]] = {
    "created": (201, "The lead was stored."),
    "replayed": (201, "The same call came again with its Idempotency-Key; it was answered as the first time."),
    "duplicate": (201, "The same lead came again within five minutes; it was answered with the first one."),
    "held": (202, "The lead looked suspicious and is held until somebody releases or discards it."),
    "test_created": (201, "A test lead was stored. It takes no slot, nobody is notified, and it goes after 7 days."),
}

#: What the journal notes beside an outcome: code → in words for the owner.
NOTES: dict[str, str] = {
    "untrusted_proxy": (
        "The call came through a proxy on this machine that is not trusted, so the visitor's address is not known and"
        " no allowed IP can match. If the proxy is yours, set STAGEWISE_TRUSTED_PROXIES=127.0.0.1,::1 and restart."
    ),
    "unreadable_address": (
        "The address that the proxy named could not be read, so no rule can match it. Check the proxy's configuration"
        " and STAGEWISE_CLIENT_IP_HEADER."
    ),
    "visitor_ip_ignored": (
        "The call named a visitor's address, but this endpoint takes that only from an allowed IP while forwarding is"
        " on. The address was ignored, and the caller's own counted."
    ),
    "visitor_ip_unreadable": (
        "Stagewise-Visitor-IP did not hold one readable IP address. Check what your server puts there."
    ),
    "server_ceiling": "Your server has used its own ceiling for 24 hours; the visitor's limit was not reached.",
    "captcha_down": "The CAPTCHA's provider did not answer, and the endpoint is set to take leads all the same.",
    "test": "This was a test call (Stagewise-Test).",
    "key_retired": "The call used an old key of this endpoint, after its overlap had ended.",
}


def status_of(outcome: str) -> int:
    """The HTTP status of an outcome, accepted or refused; raises ``KeyError`` for an unknown one."""
    return ACCEPTED[outcome][0] if outcome in ACCEPTED else REFUSALS[outcome].status
