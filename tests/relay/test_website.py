"""What browsers need: origins, preflights, redirects to the website's own pages."""

from __future__ import annotations

import pytest

from tests.relay.conftest import ADA, MakeRelay, Visit, header
from tests.relay.double import Endpoint

WEBSITE = "https://www.example.com"


def test_a_page_of_an_allowed_website_may_send_and_read_the_answer(make_relay: MakeRelay) -> None:
    visit = make_relay(origins=(WEBSITE,))
    for answer in (visit.send(Origin=WEBSITE), visit.send({}, Origin=WEBSITE)):
        assert header(answer, "Access-Control-Allow-Origin") == WEBSITE
        assert header(answer, "Access-Control-Expose-Headers") == "Retry-After, X-Request-Id"
        assert header(answer, "Access-Control-Allow-Credentials") is None
        assert header(answer, "Vary") == "Origin, Accept"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://www.example.com", "https://www.example.com/"]
)
def test_a_page_of_another_website_may_not(
    origin: str, make_relay: MakeRelay, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    visit = make_relay(origins=(WEBSITE,))
    for answer in (visit.send(Origin=origin), visit.submit(Origin=origin), visit.ask("OPTIONS", Origin=origin)):
        assert answer.status == 403
        assert header(answer, "Access-Control-Allow-Origin") is None
    assert endpoint.calls == []
    assert "is not among STAGEWISE_RELAY_ORIGINS" in caplog.text


def test_the_website_that_the_relay_is_part_of_need_not_be_named(visit: Visit) -> None:
    assert visit.send(Origin="https://relay.example.com").status == 201
    assert visit.send(Origin="https://relay.example.com:8443").status == 403


def test_a_browser_that_asks_first_is_told_what_it_may_send(make_relay: MakeRelay) -> None:
    answer = make_relay(origins=(WEBSITE,)).ask("OPTIONS", Origin=WEBSITE, Access_Control_Request_Method="POST")
    assert answer.status == 204
    assert header(answer, "Access-Control-Allow-Methods") == "POST, OPTIONS"
    assert header(answer, "Access-Control-Allow-Headers") == "Content-Type, Accept, Idempotency-Key"
    assert header(answer, "Access-Control-Max-Age") == "600"


def test_a_form_without_script_goes_on_to_the_websites_pages(make_relay: MakeRelay) -> None:
    visit = make_relay(success_urls=("/thank-you",), failure_urls=("https://www.example.com/contact?lang=en#form",))
    sent = visit.submit()
    assert (sent.status, header(sent, "Location"), sent.body) == (303, "/thank-you", b"")
    failed = visit.submit({"name": "Ada", "phone": "x", "email": "ada@example.com"})
    assert (failed.status, header(failed, "Location")) == (
        303,
        "https://www.example.com/contact?lang=en&error=invalid_fields&fields=phone#form",
    )


def test_a_form_may_choose_among_the_configured_pages_and_no_others(make_relay: MakeRelay) -> None:
    visit = make_relay(success_urls=("/thank-you", "/danke"), failure_urls=("/contact", "/kontakt"))
    assert header(visit.submit(ADA | {"_success": "/danke"}), "Location") == "/danke"
    assert header(visit.submit(ADA | {"_success": "https://evil.example/"}), "Location") == "/thank-you"
    assert header(visit.submit({"_failure": "/kontakt"}), "Location") == (
        "/kontakt?error=missing_fields&fields=name%2Cphone%2Cemail"
    )


def test_a_form_without_script_and_without_pages_gets_a_page_that_says_what_to_do(visit: Visit) -> None:
    answer = visit.submit({"name": "<script>alert(1)</script>", "phone": "+49 30 123456", "email": "x"})
    page = answer.body.decode()
    assert answer.status == 422
    assert "<li>This does not look like an e-mail address.</li>" in page
    assert "<script" not in page
    assert "default-src 'none'" in (header(answer, "Content-Security-Policy") or "")


def test_a_script_never_gets_a_redirect(make_relay: MakeRelay) -> None:
    visit = make_relay(success_urls=("/thank-you",), failure_urls=("/contact",))
    assert (visit.send().status, visit.send({}).status) == (201, 422)


def test_every_answer_is_for_this_visitor_alone(visit: Visit) -> None:
    for answer in (visit.send(), visit.submit(), visit.ask("GET", "/"), visit.ask("GET", "/health")):
        assert header(answer, "Cache-Control") == "no-store"
        assert header(answer, "X-Content-Type-Options") == "nosniff"
