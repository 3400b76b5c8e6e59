"""The checks of an endpoint, in their order. None of them makes a real lead."""

from __future__ import annotations

from collections.abc import Iterator

from stagewise.doctor import caller, fields, texts
from stagewise.doctor.report import Check, Finding
from stagewise.doctor.visit import TEST, Answer, Visit

_TEST_CALLS = Check("test_calls", "Test calls")
_LIMIT = Check("limit", "Limit")
_OVER_LIMIT = Check("over_limit", "Answer over the limit")

#: Names no answer: an endpoint that knows test calls refuses it, one that does not overlooks it.
PROBE = "doctor"


def probe(visit: Visit) -> Answer:
    """A call that can make no lead, whoever takes it: it has no fields."""
    return visit.post_json({}, PROBE)


def is_endpoint(answer: Answer) -> bool:
    """Whether it was an endpoint of ours that answered the probe."""
    return bool(answer.code) and str(answer.document.get("type", "")).endswith(f"/docs/errors/{answer.code}")


def check(visit: Visit, probed: Answer) -> Iterator[Finding]:
    """All findings about an endpoint that has answered :func:`probe`."""
    if visit.target.expect_refused:
        yield caller.expected_refusal(visit, probed)
        yield from texts.check(visit)
        return
    refused = caller.refused(visit, probed)
    if refused is not None:
        yield refused
        yield from texts.check(visit)
        return
    if probed.code == "invalid_request":
        yield _TEST_CALLS.ok(f"The endpoint knows {TEST}: what follows makes test leads only.")
        yield from _with_test_leads(visit)
    else:
        yield _without_test_calls(probed)
    for each in fields.CONTENT:
        yield each(visit)
    yield from caller.cors(visit)
    yield from texts.check(visit)


def _without_test_calls(probed: Answer) -> Finding:
    return _TEST_CALLS.failed(
        f"The endpoint overlooks {TEST} ({probed.words}): nothing was sent that could become a real lead, so"
        " valid data, repeats and the limit are not tried.",
        "Update Stagewise, or look whether a proxy in front removes the header.",
    )


def _with_test_leads(visit: Visit) -> Iterator[Finding]:
    answer = fields.send_good_lead(visit, "valid data")
    yield fields.valid_data(visit, answer)
    found = fields.clock(answer)
    if found is not None:
        yield found
    yield fields.replay(visit)
    if answer.status in {201, 202, 422, 429}:
        yield _limit(fields.limit_of(answer))
    yield _over_limit(visit)
    yield caller.address(visit)
    yield caller.forwarding(visit, fields.limit_of(answer))


def _limit(limit: int | None) -> Finding:
    if limit is None:
        return _LIMIT.warning(
            "No limit is set: one address can send as many leads as it likes.",
            "Set Maximum Leads Per IP, 5 to 20 for most websites.",
        )
    return _LIMIT.ok(f"One address can send {limit} leads in 24 hours; the answers say how many are left.")


def _over_limit(visit: Visit) -> Finding:
    answer = visit.post_json({}, "rate_limited")
    wait = answer.headers.get("retry-after", "")
    if answer.status == 429 and answer.code == "rate_limited" and wait.isdigit() and int(wait) >= 1:
        return _OVER_LIMIT.ok("It is 429 with Retry-After, as it would be over the limit.")
    return _OVER_LIMIT.failed(
        f"Expected was 429 with Retry-After; the answer is {answer.words}.",
        "Look whether a proxy in front changes the answer.",
    )
