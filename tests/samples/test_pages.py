"""The samples that are pages, in a real browser, on a website of another origin than the endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from stagewise import samples
from tests.samples.gate import Gate
from tests.samples.programs import Program
from tests.support import visit
from tests.support.double import Call, Respond, forward, plain, serving
from tests.support.installation import Installation
from tests.support.processes import Answer

pytestmark = [pytest.mark.browser, pytest.mark.slow]

Start = Callable[..., Program]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with visit.chromium() as launched:
        yield launched


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def website(text: str, program: Program | None = None) -> Respond:
    """A website with this page; what is below /contact is the program's."""

    def respond(call: Call) -> Answer:
        if call.path == "/":
            return Answer(200, {"content-type": "text/html; charset=utf-8"}, text.encode())
        if program is not None and call.path.startswith("/contact"):
            return forward(call, program.port)
        return plain(404)

    return respond


def fill_in(page: Page, **replaced: str) -> None:
    fields = {"Name": "Zoë Müller", "Phone": "+49 30 901820", "E-mail": "zoe@example.com", "Message": "Hi"}
    for label, value in (fields | replaced).items():
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Send").click()


@pytest.fixture
def fetching(page: Page, gate: Gate, installation: Installation) -> Iterator[Page]:
    """The page that calls by itself, whose origin the endpoint allows."""
    text = samples.fill(samples.named("browser").text, gate.url)
    with serving(website(text)) as port:
        origin = f"http://127.0.0.1:{port}"
        installation.save_rules(allow_all_ips=True, allowed_ips=[], allowed_origins=[origin])
        page.goto(origin)
        yield page


def test_a_page_can_send_by_itself(fetching: Page, gate: Gate, installation: Installation) -> None:
    fill_in(fetching)
    expect(fetching.get_by_role("status")).to_contain_text("Thank you")
    assert installation.sql("SELECT name, phone FROM lead") == [("Zoë Müller", "+49 30 901820")]
    posted = json.loads(next(call.body for call in gate.calls if call.method == "POST"))
    assert posted["_elapsed_ms"] > 0
    assert posted["_gotcha"] == ""


def test_a_page_tries_again_with_the_same_key(fetching: Page, gate: Gate, installation: Installation) -> None:
    fill_in(fetching, Phone="12")
    expect(fetching.get_by_role("status")).to_contain_text("phone")
    gate.forget()
    installation.save_rules(allowed_origins=[])
    gate.trouble = ["lost"]  # what becomes of the next call: without a preflight, that is the post
    fetching.get_by_label("Phone", exact=True).fill("+49 30 901820")
    fetching.get_by_role("button", name="Send").click()
    expect(fetching.get_by_role("status")).to_contain_text("Thank you")
    keys = {call.headers["idempotency-key"] for call in gate.calls if call.method == "POST"}
    assert len(keys) == 1
    assert installation.count("lead") == 1


def test_a_page_that_is_not_allowed_apologises(fetching: Page, installation: Installation) -> None:
    installation.save_rules(allowed_origins=["https://www.example.com"])
    fill_in(fetching)
    expect(fetching.get_by_role("status")).to_contain_text("Sorry")
    assert installation.count("lead") == 0


def test_the_plain_form_reaches_a_program(page: Page, start: Start, gate: Gate, installation: Installation) -> None:
    program = start("node", gate.url)
    with serving(website(samples.named("form").text, program)) as port:
        page.goto(f"http://127.0.0.1:{port}")
        fill_in(page)
        expect(page.get_by_text("Thank you")).to_be_visible()
        assert gate.url not in page.content()
    assert installation.count("lead") == 1
    assert json.loads(gate.calls[0].body)["_gotcha"] == ""


def test_the_relays_form_does_the_proof_of_work(
    page: Page, start: Start, gate: Gate, installation: Installation
) -> None:
    program = start("flask-relay", gate.url)
    with serving(website(samples.named("form-relay").text, program)) as port:
        page.goto(f"http://127.0.0.1:{port}")
        page.wait_for_timeout(2_500)  # the relay takes nobody who fills a form in within two seconds
        fill_in(page)
        expect(page.get_by_text("Thank you")).to_be_visible()
        assert gate.url not in page.content()
    assert installation.count("lead") == 1
