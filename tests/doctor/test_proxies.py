"""Deliberate faults between the doctor and a real endpoint: it must find each of them, and make no real lead."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from stagewise.doctor.caller import about_address
from tests.doctor.conftest import Place
from tests.doctor.test_endpoint import found, states
from tests.support.double import Call, forward, plain, serving
from tests.support.postgres import free_port
from tests.support.processes import Answer


def without(*names: str) -> Callable[[Call], Call]:
    """A proxy that removes request headers."""
    return lambda call: call._replace(headers={n: v for n, v in call.headers.items() if n not in names})


def unchanged(call: Call) -> Call:
    return call


def changed(answer: Answer, **fields: object) -> Answer:
    """The answer with other members in its JSON."""
    return answer._replace(body=json.dumps(answer.json() | fields).encode())


def test_a_server_that_does_not_know_test_calls_gets_nothing_that_could_become_a_lead(place: Place) -> None:
    report = place.behind(without("stagewise-test"))
    assert found(report, "test_calls").state == "failed"
    assert "valid_data" not in states(report)
    assert states(report)["missing_fields"] == "ok"
    assert place.installation.count("lead") == 0


def test_after_a_lead_that_is_no_test_lead_it_stops_at_once(place: Place) -> None:
    calls: list[Call] = []

    def forget_the_test_sometimes(call: Call) -> Call:
        calls.append(call)
        return without("stagewise-test")(call) if call.headers.get("stagewise-test") == "1" else call

    report = place.behind(forget_the_test_sometimes)
    assert report.findings[-1].check == "real_lead"
    assert report.failed
    assert place.real_leads() == 1
    assert len(calls) == 2


def test_a_proxy_that_removes_the_idempotency_key_is_found(place: Place) -> None:
    report = place.behind(without("idempotency-key"))
    assert found(report, "replay").state == "failed"
    assert "Idempotency-Key" in found(report, "replay").todo
    assert place.real_leads() == 0


def test_a_proxy_with_error_pages_of_its_own_is_found(place: Place) -> None:
    def own_pages(_call: Call, answer: Answer) -> Answer:
        if answer.status != 422:
            return answer
        return Answer(422, {"content-type": "text/html"}, b"<h1>422 Unprocessable</h1>")

    report = place.behind(unchanged, own_pages)
    assert states(report) | {"missing_fields": "failed", "error_format": "failed"} == states(report)
    assert "text/html" in found(report, "error_format").seen


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ('Traceback (most recent call last):\n  File "/usr/lib/x.py", line 3', "a Python stack"),
        ("TypeError: x\n    at Object.<anonymous> (app.js:3:9)", "a stack"),
        ("sqlite3.OperationalError: no such table", "SQL"),
        ("could not open /var/www/html/index.php", "a path"),
    ],
)
def test_what_gives_the_inside_away_is_found(place: Place, told: str, name: str) -> None:
    def talkative(_call: Call, answer: Answer) -> Answer:
        return changed(answer, detail=told) if answer.status == 422 else answer

    finding = found(place.behind(unchanged, talkative), "error_secrets")
    assert finding.state == "failed"
    assert name in finding.seen


def test_the_endpoints_own_key_in_an_answer_is_found_and_not_repeated(place: Place) -> None:
    def talkative(call: Call, answer: Answer) -> Answer:
        return changed(answer, detail=f"at {call.path}") if answer.status == 422 else answer

    report = place.behind(unchanged, talkative)
    assert found(report, "error_secrets").state == "failed"
    assert place.installation.key not in report.as_text()


def test_a_proxy_that_removes_cors_headers_is_found(place: Place) -> None:
    def strip(call: Call, answer: Answer) -> Answer:
        kept = {n: v for n, v in answer.headers.items() if not n.startswith("access-control") or call.method != "POST"}
        return answer._replace(headers=kept)

    origin = "https://www.example.com"
    with serving(lambda call: strip(call, forward(call, place.port))) as port:
        report = place.examine(port, origins=(origin,))
    assert "may not read" in found(report, "cors_allowed").seen


def test_a_proxy_that_allows_everybody_with_cookies_is_found(place: Place) -> None:
    def generous(call: Call, answer: Answer) -> Answer:
        extra = {
            "access-control-allow-origin": call.headers.get("origin", "*"),
            "access-control-allow-credentials": "true",
        }
        return answer._replace(headers=answer.headers | extra)

    assert found(place.behind(unchanged, generous), "cors_foreign").state == "failed"


def test_a_proxy_that_keeps_origins_away_only_in_the_preflight_is_found(place: Place) -> None:
    def strict(call: Call, answer: Answer) -> Answer:
        if call.method == "OPTIONS":
            return plain(403)
        return answer

    finding = found(place.behind(unchanged, strict), "cors_foreign")
    assert finding.state == "failed"
    assert "is taken" in finding.seen


def test_a_proxy_that_forgets_retry_after_is_found(place: Place) -> None:
    def strip(_call: Call, answer: Answer) -> Answer:
        return answer._replace(headers={n: v for n, v in answer.headers.items() if n != "retry-after"})

    assert found(place.behind(unchanged, strip), "over_limit").state == "failed"


def test_a_clock_that_is_wrong_is_a_warning(place: Place) -> None:
    def late(_call: Call, answer: Answer) -> Answer:
        return changed(answer, created_at="2020-01-01T00:00:00.000Z") if answer.status == 201 else answer

    finding = found(place.behind(unchanged, late), "clock")
    assert finding.state == "warning"
    assert "NTP" in finding.todo


def test_a_proxy_that_changes_what_is_sent_is_found(place: Place) -> None:
    def shouting(call: Call) -> Call:
        return call._replace(body=call.body.replace(b"Stagewise Doctor", b"STAGEWISE DOCTOR"))

    assert found(place.behind(shouting), "valid_data").state == "failed"


def test_a_smaller_limit_for_bodies_in_front_is_found(place: Place) -> None:
    def small(call: Call, answer: Answer) -> Answer:
        return plain(413, "too large") if len(call.body) > 1_000 else answer

    finding = found(place.behind(unchanged, small), "too_large")
    assert finding.state == "failed"
    assert "client_max_body_size" in finding.todo


def test_a_proxy_that_is_not_trusted_is_noticed_by_the_address(place: Place) -> None:
    def elsewhere(_call: Call, answer: Answer) -> Answer:
        if answer.status != 403:
            return answer
        return changed(answer, detail="The address 10.1.2.3 may not send leads here.")

    assert "10.1.2.3" in found(place.behind(unchanged, elsewhere), "address").seen
    # That is as it should be in a private network, as here; from the internet it is not.
    assert about_address("10.1.2.3", "192.168.1.1").state == "ok"
    assert about_address("10.1.2.3", "8.8.8.8").state == "warning"
    assert about_address("2001:4860:4860::8888", "8.8.8.8").state == "ok"


def test_an_endpoint_that_does_not_tell_the_address_is_a_warning(place: Place) -> None:
    def silent(_call: Call, answer: Answer) -> Answer:
        return changed(answer, detail="No.") if answer.status == 403 else answer

    assert found(place.behind(unchanged, silent), "address").state == "warning"


def test_a_call_that_is_not_answered_is_a_finding_and_what_was_found_before_stays(place: Place) -> None:
    def tired(call: Call) -> Answer | None:
        return None if call.method == "OPTIONS" else forward(call, place.port)

    with serving(tired) as port:
        report = place.examine(port)
    assert found(report, "valid_data").state == "ok"
    assert found(report, "answers").state == "failed"


def test_somebody_elses_page_is_not_taken_for_an_endpoint(place: Place) -> None:
    with serving(lambda _call: plain(404, "Nothing here")) as port:
        report = place.examine(port)
    assert report.kind == "unknown"
    assert found(report, "recognised").state == "failed"


def test_nobody_there_is_said_in_one_finding(place: Place) -> None:
    report = place.examine(free_port())
    assert [each.check for each in report.findings] == ["connection"]
    assert report.failed
