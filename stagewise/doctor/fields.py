"""What the endpoint makes of good, bad and broken content."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from stagewise.doctor import proof
from stagewise.doctor.report import Check, Finding
from stagewise.doctor.visit import Answer, Visit

_VALID_DATA = Check("valid_data", "Valid data")
_CLOCK = Check("clock", "Clock")
_MISSING_FIELDS = Check("missing_fields", "Missing fields")
_INVALID_EMAIL = Check("invalid_email", "Invalid e-mail")
_INVALID_PHONE = Check("invalid_phone", "Invalid phone number")
_UNKNOWN_LEAD_TYPE = Check("unknown_lead_type", "Unknown lead type")
_MEDIA_TYPE = Check("media_type", "Wrong Content-Type")
_MALFORMED_JSON = Check("malformed_json", "Broken JSON")
_TOO_LARGE = Check("too_large", "Oversized body")
_METHOD = Check("method", "Other methods")
_REPLAY = Check("replay", "Repeats")

#: Seconds by which two clocks may differ before somebody should look.
SKEW_S = 30


def limit_of(answer: Answer) -> int | None:
    """The limit per address that an answer names (IETF draft RateLimit-Policy); None when there is none."""
    found = re.search(r'"leads-per-ip";q=(\d+)', answer.headers.get("ratelimit-policy", ""))
    return int(found[1]) if found else None


def send_good_lead(visit: Visit, subject: str, **headers: str) -> Answer:
    """Post a good lead as a test; solves the CAPTCHA where that is ALTCHA."""
    answer = visit.post_json(visit.lead(subject), **headers)
    if answer.code == "captcha_failed":
        token = proof.token(visit)
        if token:
            answer = visit.post_json(visit.lead(subject, captcha_token=token), **headers)
    return answer


def valid_data(visit: Visit, answer: Answer) -> Finding:
    """A good lead, which ``answer`` has answered."""
    document = answer.document
    if answer.status == 201:
        changed = [n for n in ("name", "email") if document.get(n) != visit.lead("")[n]]
        if changed:
            return _VALID_DATA.failed(
                f"The lead came back with another {' and '.join(changed)}.",
                "Look whether something between here and Stagewise changes what is sent.",
            )
        kind = (document.get("lead_type") or {}).get("name", "")
        return _VALID_DATA.ok(f"A lead is accepted (201); its type is {kind}.")
    if answer.status == 202:
        return _VALID_DATA.warning(
            "An ordinary lead is held (202) until the owner releases it.",
            "Loosen the endpoint's holding rules, unless this is what you want.",
        )
    if answer.code in {"captcha_failed", "captcha_unavailable"}:
        return _VALID_DATA.warning(
            f"The endpoint asks for a CAPTCHA, which the doctor cannot solve: {answer.words}.",
            "Send one lead through your form in a browser, and look whether it arrives.",
        )
    if answer.code == "rate_limited":
        return _VALID_DATA.failed(
            f"This address has used up its leads; the next is free in {answer.headers.get('retry-after')} s.",
            "Wait, raise the limit, or run the doctor from another allowed address.",
        )
    return _VALID_DATA.failed(
        f"A good lead is not accepted: {answer.words}.",
        str(answer.document.get("detail", "")) or "Look under Logs in the console.",
    )


def clock(answer: Answer) -> Finding | None:
    """Whether the server's time is ours, as ``created_at`` tells it; None where no lead was made."""
    try:
        created = datetime.fromisoformat(str(answer.document["created_at"]))
        apart = abs((created - datetime.now(UTC)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None
    if apart <= SKEW_S:
        return _CLOCK.ok(f"The server's clock and this machine's differ by less than {apart + 1:.0f} s.")
    return _CLOCK.warning(
        f"The server's clock and this machine's are {apart:.0f} s apart.",
        "See which is wrong, and let it set itself by NTP: times of leads and the limit's 24 hours depend on it.",
    )


def _is(answer: Answer, status: int, code: str, fields: Sequence[str] = ()) -> bool:
    named = {error.get("field") for error in answer.document.get("errors", []) if isinstance(error, dict)}
    return answer.status == status and answer.code == code and set(fields) <= named


def _expect(
    check: Check, answer: Answer, expected: tuple[int, str, Sequence[str]], good: str, todo: str = ""
) -> Finding:
    status, code, fields = expected
    if _is(answer, status, code, fields):
        return check.ok(good)
    named = f" that names {', '.join(fields)}" if fields else ""
    todo = todo or "Look whether a proxy in front answers by itself; else this is a fault of the server."
    return check.failed(f"Expected was {status} {code}{named}; the answer is {answer.words}.", todo)


def missing_fields(visit: Visit) -> Finding:
    """All required fields are named at once."""
    answer = visit.post_json({"message": "Only a message"})
    return _expect(
        _MISSING_FIELDS,
        answer,
        (422, "missing_fields", ("name", "phone", "email")),
        "A lead without name, phone and e-mail is refused, and the answer names all three.",
    )


def invalid_email(visit: Visit) -> Finding:
    """A mail address that is none."""
    answer = visit.post_json(visit.lead("invalid e-mail", email="doctor@"))
    return _expect(
        _INVALID_EMAIL,
        answer,
        (422, "invalid_fields", ("email",)),
        "A wrong mail address is refused, and the answer says so.",
    )


def invalid_phone(visit: Visit) -> Finding:
    """A phone number that is none."""
    answer = visit.post_json(visit.lead("invalid phone", phone="call me"))
    return _expect(
        _INVALID_PHONE,
        answer,
        (422, "invalid_fields", ("phone",)),
        "A phone number without digits is refused, and the answer says so.",
    )


def unknown_lead_type(visit: Visit) -> Finding:
    """A lead type that no workspace has."""
    answer = visit.post_json(visit.lead("lead type", lead_type_name=f"No such type {visit.run}"))
    return _expect(
        _UNKNOWN_LEAD_TYPE,
        answer,
        (422, "unknown_lead_type", ("lead_type_name",)),
        "A lead type that does not exist is refused: a misspelt one would be noticed.",
    )


def media_type(visit: Visit) -> Finding:
    """A lead that is sent as plain text: browsers send that without asking first."""
    answer = visit.post(b'{"name": "Stagewise Doctor"}', "text/plain")
    return _expect(
        _MEDIA_TYPE,
        answer,
        (415, "unsupported_media_type", ()),
        "What is not sent as application/json is refused.",
    )


def malformed_json(visit: Visit) -> Finding:
    """A body that breaks off."""
    answer = visit.post(b'{"name": "Stagewise', "application/json")
    return _expect(_MALFORMED_JSON, answer, (400, "invalid_json", ()), "Broken JSON is refused as such.")


def too_large(visit: Visit) -> Finding:
    """A body over the limit of 65,536 bytes."""
    answer = visit.post_json(visit.lead("size", message="x" * 70_000))
    return _expect(
        _TOO_LARGE,
        answer,
        (413, "too_large", ()),
        "A body larger than 65,536 bytes is refused.",
        "If a proxy in front has a smaller limit, its answer is no problem document, and scripts cannot read"
        " the reason: let it pass 64 KiB (nginx: client_max_body_size 128k).",
    )


def method(visit: Visit) -> Finding:
    """Leads are sent with POST; the answer says so."""
    answer = visit.call("GET", visit.target.url, None, visit.standing)
    if answer.status == 405 and "POST" in answer.headers.get("allow", ""):
        return _METHOD.ok("Only POST is accepted, and the answer says so.")
    return _METHOD.failed(
        f"GET is answered {answer.words} instead of 405 with Allow: POST.",
        "Look whether a proxy in front answers by itself.",
    )


def replay(visit: Visit) -> Finding:
    """The same submission twice, and another one, under one Idempotency-Key."""
    key = f"doctor-{visit.run}"
    first = send_good_lead(visit, "repeat", Idempotency_Key=key)
    if first.status != 201:
        return _REPLAY.skipped(f"No lead could be made to repeat: {first.words}.")
    second = visit.post_json(visit.lead("repeat"), Idempotency_Key=key)
    other = visit.post_json(visit.lead("another under the same key"), Idempotency_Key=key)
    replayed = second.headers.get("idempotency-replayed") == "true"
    if not (second.status == first.status and replayed and first.document.get("id") == second.document.get("id")):
        return _REPLAY.failed(
            f"A repeat with the same Idempotency-Key was answered {second.words}.",
            "Look whether a proxy in front removes the Idempotency-Key header: without it, a try that is"
            " repeated makes a second lead.",
        )
    if other.code != "idempotency_mismatch":
        return _REPLAY.failed(
            f"Other fields under the same Idempotency-Key: {other.words}.", "This is a fault of the server."
        )
    return _REPLAY.ok("A repeat with the same Idempotency-Key gets the first answer and makes no lead.")


#: Checks of content, each a call or two; none makes a real lead.
CONTENT: tuple[Callable[[Visit], Finding], ...] = (
    missing_fields,
    invalid_email,
    invalid_phone,
    unknown_lead_type,
    media_type,
    malformed_json,
    too_large,
    method,
)
