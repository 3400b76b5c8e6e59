"""The checks of a relay: whatever takes a website's form and sends it on, ours or the website's own program.

Ours answers JSON with problem documents. Where it knows test calls, as an endpoint does, it gets a good lead too. Of a
program of the website's own only this is expected: it takes an HTML form's post, refuses what is wrong with a status of
400 to 499, and gives nothing away. It gets nothing that it could send on, because that would be a real lead.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode

from stagewise.doctor import caller, fields, texts
from stagewise.doctor.report import Check, Finding
from stagewise.doctor.visit import Answer, Visit

_ADMITTED = Check("admitted", "Who may call")
_VALID_DATA = Check("valid_data", "Valid data")
_CORS_FOREIGN = Check("cors_foreign", "CORS for other websites")
_MISSING = Check("missing_fields", "Missing fields")
_INVALID_EMAIL = Check("invalid_email", "Invalid e-mail")
_NONSENSE = Check("nonsense", "Nonsense")
_TOO_LARGE = Check("too_large", "Oversized body")

#: What visitors and their browsers must never see.
_HIDDEN = "/public/v1/leads/"
_FORM = "application/x-www-form-urlencoded"
_JSON_PROBLEM = "application/problem+json"


def is_relay(visit: Visit, probed: Answer) -> bool:
    """Whether somebody there takes forms; asks once more, with a form that is empty."""
    if probed.media_type == _JSON_PROBLEM and probed.code:
        return True
    answer = _post_form(visit, {})
    return _refuses(answer) or answer.status in {302, 303} or answer.status >= 500


def check(visit: Visit, probed: Answer) -> Iterator[Finding]:
    """All findings about a relay that has answered the probe."""
    if probed.media_type == _JSON_PROBLEM and probed.code:
        yield from _ours(visit, probed)
    else:
        yield from _own_program(visit)
    yield texts.secrecy(visit.answers, [_HIDDEN])


# Ours


def _ours(visit: Visit, probed: Answer) -> Iterator[Finding]:
    if probed.code == "origin_not_allowed":
        yield _ADMITTED.failed(
            f"The relay answers {probed.words}.",
            "Name your website with --origin, exactly as the relay's origins have it.",
        )
        return
    if probed.code == "invalid_request":
        yield _valid_data(fields.send_good_lead(visit, "valid data"))
    else:
        yield _not_tried()
    yield fields.missing_fields(visit)
    yield fields.invalid_email(visit)
    yield fields.malformed_json(visit)
    yield fields.media_type(visit)
    yield _too_large(visit.post_json(visit.lead("size", message="x" * 200_000, email="doctor@")))
    if visit.target.origins:
        yield from caller.cors(visit)


def _valid_data(answer: Answer) -> Finding:
    """What became of a good lead, which ``answer`` has answered."""
    if answer.status == 201:
        return _VALID_DATA.ok("A lead is accepted and passed on to Stagewise (201).")
    if answer.status == 202:
        return _VALID_DATA.failed(
            "The relay has taken the lead (202), but cannot pass it on now: it keeps it for later.",
            "Read the relay's log: it says why Stagewise cannot be reached from there.",
        )
    if answer.code in {"captcha_failed", "captcha_unavailable"}:
        return _VALID_DATA.warning(
            f"The relay asks for a CAPTCHA, which the doctor cannot solve: {answer.words}.",
            "Send one lead through your form in a browser, and look whether it arrives.",
        )
    return _VALID_DATA.failed(f"A good lead is not accepted: {answer.words}.", "Read the relay's log: it says why.")


# The website's own


def _own_program(visit: Visit) -> Iterator[Finding]:
    yield _not_tried()
    yield _refused(_MISSING, _post_form(visit, {}), "An empty form")
    wrong = visit.lead("invalid e-mail", email="doctor@", _elapsed_ms=None)
    yield _refused(_INVALID_EMAIL, _post_form(visit, wrong), "A form with a wrong mail address")
    broken = visit.post(b"name[]=a&phone=%ff%fe&email=%00&=&%%%", _FORM, None)
    yield _refused(_NONSENSE, broken, "A form that no browser would send")
    yield _too_large(_post_form(visit, {**wrong, "message": "x" * 200_000}))
    yield _foreign(visit)


def _post_form(visit: Visit, form: dict[str, str]) -> Answer:
    return visit.post(urlencode(form).encode(), _FORM, None)


def _refuses(answer: Answer) -> bool:
    return 400 <= answer.status < 500 and answer.status not in {401, 404, 405}


def _refused(check: Check, answer: Answer, what: str) -> Finding:
    if _refuses(answer):
        return check.ok(f"{what} is refused ({answer.status}).")
    if answer.status >= 500:
        return check.failed(
            f"{what} breaks the program: it answers {answer.words}.",
            "Check every field before it is used; see the program's log for what went wrong.",
        )
    return check.warning(
        f"{what} is answered {answer.words}, as if all were well.",
        "Check the fields on your server, and answer 422 with what the visitor can mend. If you answer with"
        " a redirect to a page that says so, all is well.",
    )


def _foreign(visit: Visit) -> Finding:
    asked = caller.preflight(visit, caller.FOREIGN)
    if 200 <= asked.status < 300 and caller.allows(asked, caller.FOREIGN):
        return _CORS_FOREIGN.warning(
            "Scripts of every website may call and read the answers.",
            "Allow your own origin only. A form on the same website needs no CORS at all.",
        )
    return _CORS_FOREIGN.ok("Scripts of other websites may not call.")


# Both


def _not_tried() -> Finding:
    return _VALID_DATA.skipped(
        "Here this would make a real lead, so it was not tried.",
        "Send one lead through your form, look whether it arrives, and delete it.",
    )


def _too_large(answer: Answer) -> Finding:
    if 400 <= answer.status < 500:
        return _TOO_LARGE.ok(f"A body of 200,000 bytes is refused ({answer.status}).")
    return _TOO_LARGE.failed(
        f"A body of 200,000 bytes is answered {answer.words}.",
        "Limit the size of what your server reads: a lead fits into 64 KiB.",
    )
