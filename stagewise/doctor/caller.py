"""Who the endpoint takes the doctor for, and whose pages may call it."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator

from stagewise.doctor.report import Check, Finding
from stagewise.doctor.transport import address_of, is_private
from stagewise.doctor.visit import Answer, Visit

_ADMITTED = Check("admitted", "Who may call")
_REFUSED = Check("refused", "Refused from here")
_ADDRESS = Check("address", "Your address")
_FORWARDING = Check("forwarding", "Visitors' addresses")
_CORS_FOREIGN = Check("cors_foreign", "CORS for other websites")

#: An origin that no website has and nobody can have allowed (RFC 6761, section 6.4).
FOREIGN = "https://stagewise-doctor.invalid"
#: A limit that one person may never notice, and that a website's server reaches on a good day.
LOW_LIMIT = 100


def refused(visit: Visit, answer: Answer) -> Finding | None:
    """What stands between the doctor and the endpoint; None when it is let in."""
    detail = str(answer.document.get("detail", ""))
    todo = {
        "ip_not_allowed": "If this machine is your website's server, add the address under Allowed IPs. If it is not,"
        " run the doctor there; from here, use --expect-refused.",
        "origin_required": "The endpoint takes leads from web pages only: name your website with --origin"
        " https://www.yoursite.com, or add this machine's address to the allowed IPs.",
        "origin_not_allowed": f"Add {visit.target.origins[0] if visit.target.origins else 'the origin'} to the"
        " endpoint's allowed origins, exactly so: with its scheme, and with or without www.",
        "not_found": "Copy the URL again from Integration → Stagewise API.",
        "endpoint_disabled": "Switch the endpoint on, or use its present URL: its key may have been changed.",
        "unavailable": "Try again in a moment; then look at the log of the intake process.",
    }.get(answer.code)
    if todo is None:
        return None
    return _ADMITTED.failed(f"The endpoint answers {answer.words}: {detail}", todo)


def expected_refusal(visit: Visit, answer: Answer) -> Finding:
    """With ``--expect-refused``: the guide's test from a different IP."""
    del visit
    if answer.code in {"ip_not_allowed", "origin_not_allowed", "origin_required"}:
        detail = str(answer.document.get("detail", ""))
        return _REFUSED.ok(f"As it should be, the endpoint answers {answer.words}: {detail}")
    return _REFUSED.failed(
        f"This machine was expected to be refused, and was answered {answer.words}.",
        "Switch “Allow from all IPs” off, and allow the address of your website's server only.",
    )


def address(visit: Visit) -> Finding:
    """Which address Stagewise sees, asked by forcing the refusal that names it."""
    answer = visit.post_json({}, "ip_not_allowed")
    seen = _address_in(str(answer.document.get("detail", "")))
    if answer.code != "ip_not_allowed" or seen is None:
        return _ADDRESS.warning(
            f"The endpoint did not say which address it sees: {answer.words}.",
            "Look under Logs in the console, at this test's calls.",
        )
    return about_address(seen, address_of(visit.target))


def about_address(seen: str, server: str) -> Finding:
    """What it means that a server, called at one address, sees its caller at another; both as text."""
    if is_private(seen) and not is_private(server):
        return _ADDRESS.warning(
            f"Stagewise sees you as {seen}, an address of its own network: probably that of a proxy in front.",
            "Unless you are in that network, set STAGEWISE_TRUSTED_PROXIES to the proxy's address: until"
            " then all callers look alike, to the allowed IPs and to the limit.",
        )
    return _ADDRESS.ok(f"Stagewise sees this machine as {seen}.")


def _address_in(detail: str) -> str | None:
    for word in re.findall(r"[0-9a-fA-F.:]+", detail):
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(word))
    return None


def forwarding(visit: Visit, limit: int | None) -> Finding:
    """Whether visitors' addresses are taken from here: only then an unreadable one is noticed."""
    answer = visit.post_json({}, "1", Stagewise_Visitor_IP="nobody")
    if answer.code == "invalid_request":
        return _FORWARDING.ok(
            "Forwarding is on for this machine: with Stagewise-Visitor-IP the limit counts each visitor."
        )
    if limit is None or limit > LOW_LIMIT or visit.target.origins:
        return _FORWARDING.ok("Leads are counted by the address that calls; none is forwarded from here.")
    return _FORWARDING.warning(
        f"Leads are counted by the address that calls: if this machine is your website's server, all its"
        f" visitors together can send {limit} leads in 24 hours.",
        "Switch forwarding on in the endpoint's settings and send the visitor's address in"
        " Stagewise-Visitor-IP, as our client, relay and samples do.",
    )


def preflight(visit: Visit, origin: str) -> Answer:
    """What a browser asks before a page of this origin may post."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, idempotency-key",
    }
    return visit.call("OPTIONS", visit.target.url, None, asked)


def allows(answer: Answer, origin: str) -> bool:
    """Whether a browser would let a page of this origin go on."""
    return answer.headers.get("access-control-allow-origin") in {origin, "*"}


def _names(answer: Answer, header: str) -> set[str]:
    return {name.strip().lower() for name in answer.headers.get(header, "").split(",")}


def cors(visit: Visit) -> Iterator[Finding]:
    """The websites named with ``--origin``, and one that nobody has named."""
    for origin in visit.target.origins:
        yield _own_origin(visit, origin)
    yield _foreign_origin(visit)


def _own_origin(visit: Visit, origin: str) -> Finding:
    check = Check("cors_allowed", f"CORS for {origin}")
    asked = preflight(visit, origin)
    if not (200 <= asked.status < 300 and allows(asked, origin)):
        return check.failed(
            f"Browsers are not allowed to call from there: {asked.words}.",
            f"Add {origin} to the allowed origins, exactly so, and look whether a proxy removes the headers.",
        )
    missing = {"content-type", "idempotency-key"} - _names(asked, "access-control-allow-headers")
    if "post" not in _names(asked, "access-control-allow-methods") or missing:
        return check.failed(
            "The preflight's answer does not allow POST with Content-Type and Idempotency-Key.",
            "Look whether a proxy answers OPTIONS by itself; let it pass the call on.",
        )
    answer = visit.post_json({}, "1", Origin=origin)
    if not allows(answer, origin):
        return check.failed(
            f"The page may call, but may not read the answer ({answer.words}): there is no"
            " Access-Control-Allow-Origin.",
            "Look whether a proxy removes the headers of refusals.",
        )
    return check.ok("Pages may call, and may read the answers, refusals too.")


def _foreign_origin(visit: Visit) -> Finding:
    asked = preflight(visit, FOREIGN)
    if asked.headers.get("access-control-allow-credentials", "").lower() == "true" and allows(asked, FOREIGN):
        return _CORS_FOREIGN.failed(
            "Pages of any website may call, with the visitor's cookies.",
            "Stagewise never allows this; look at the proxy in front.",
        )
    if not allows(asked, FOREIGN):
        posted = visit.post_json({}, "1", Origin=FOREIGN)
        if posted.code == "origin_not_allowed":
            return _CORS_FOREIGN.ok("Pages of a website that is not on the list are refused.")
        return _CORS_FOREIGN.failed(
            f"Browsers keep other websites' pages away, but what they post is taken: {posted.words}.",
            "Set the origins in Stagewise, not only in the proxy in front.",
        )
    if visit.target.origins:
        return _CORS_FOREIGN.warning(
            "Pages of every website may call.",
            "Enter your website's origins in the endpoint's settings; an empty list allows all.",
        )
    return _CORS_FOREIGN.ok(
        "No origins are set, so pages are not told apart: the caller's address alone decides. That is right"
        " for a website's server."
    )
