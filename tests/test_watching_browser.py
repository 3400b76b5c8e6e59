"""After the lead, in a real browser, on a laptop and on a phone: who is told, what goes wrong, and how it is mended."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect
from standardwebhooks import Webhook

from tests.support.double import Call, plain, serving
from tests.support.installation import Installation, Server
from tests.support.processes import Answer, free_port
from tests.support.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTHS = {"laptop": 1280, "phone": 390}


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest) -> int:
    return WIDTHS[request.param]


@pytest.fixture
def visit(width: int, installation: Installation, chromium: Browser) -> Iterator[Visit]:
    """An owner in front of the console, whose webhooks may go to this machine."""
    yield from visiting_at(width, chromium, installation.serve(outbound_allow="127.0.0.0/8"))


@pytest.fixture
def visit_without_worker(width: int, installation: Installation, chromium: Browser) -> Iterator[Visit]:
    """The same without a worker, which would resolve an alert that has no cause."""
    server = installation.intake()
    server.console_port = free_port()
    installation.start("console", "--port", str(server.console_port)).wait_for(server.console_port)
    yield from visiting_at(width, chromium, server)


def visiting_at(width: int, chromium: Browser, server: Server) -> Iterator[Visit]:
    context = chromium.new_context(viewport={"width": width, "height": 844}, permissions=["clipboard-write"])
    made = Visit(server, context)
    made.log_in()
    yield made
    assert made.page.evaluate("document.documentElement.scrollWidth") <= width
    assert made.complaints == []
    context.close()


class Receiver:
    """A receiver of webhooks that answers with ``status`` and remembers what it got."""

    def __init__(self) -> None:
        self.status = 204
        self.calls: list[Call] = []
        self.port = 0

    def __call__(self, call: Call) -> Answer:
        self.calls.append(call)
        return plain(self.status, "" if self.status == 204 else "<h1>Out of order</h1>")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    with serving(made) as made.port:
        yield made


@pytest.mark.parametrize(("width", "engine"), [(1280, "sqlite"), (390, "postgres")], ids=["laptop", "phone"])
def test_a_webhook_is_added_tried_out_and_told_of_a_lead(visit: Visit, receiver: Receiver) -> None:
    secret = the_owner_adds_it(visit, receiver)
    assert visit.server.post_lead(name="Grace Hopper").status == 201
    until_delivered(visit)
    told = receiver.calls[-1]
    assert Webhook(secret).verify(told.body.decode(), told.headers)["type"] == "lead.created"
    the_lead_says_who_was_told(visit)
    a_failing_receiver_is_seen_and_the_delivery_sent_again(visit, receiver)
    the_channel_is_paused_and_goes_on(visit)


def until_delivered(visit: Visit) -> None:
    """Reload the channel's page until its one delivery has arrived."""
    arrived, end = visit.page.locator(".deliveries .good"), time.monotonic() + 15
    while not arrived.count() and time.monotonic() < end:
        visit.page.reload()
    expect(arrived).to_have_count(1)


def the_owner_adds_it(visit: Visit, receiver: Receiver) -> str:
    page = visit.page
    visit.go("Channels")
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("CRM")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/hook")
    page.get_by_role("button", name="Send test event").click()
    expect(page.get_by_text("The test event arrived")).to_be_visible()
    assert json.loads(receiver.calls[0].body)["type"] == "test"
    page.get_by_role("button", name="Add channel").click()
    expect(page.get_by_text("This page shows the secret once.")).to_be_visible()
    secret = page.locator("#secret").inner_text()
    assert secret.startswith("whsec_")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.get_by_role("link", name="I have copied it").click()
    assert secret not in page.content()
    return secret


def the_lead_says_who_was_told(visit: Visit) -> None:
    page = visit.page
    visit.go("Leads")
    page.get_by_role("link", name="Grace Hopper").click()
    expect(page.locator(".story").get_by_text("A lead came in")).to_be_visible()
    page.locator(".story").get_by_role("link", name="CRM").click()
    expect(page.get_by_role("heading", name="A lead came in")).to_be_visible()
    expect(page.get_by_text("204", exact=True)).to_be_visible()


def a_failing_receiver_is_seen_and_the_delivery_sent_again(visit: Visit, receiver: Receiver) -> None:
    page = visit.page
    receiver.status = 500
    assert visit.server.post_lead(name="Mary Jackson").status == 201
    visit.go("Channels")
    page.get_by_role("link", name="CRM").click()
    visit.reload_until("Failing, for the first time")
    page.get_by_role("link", name="Open the delivery: A lead came in").first.click()
    visit.reload_until("500")
    page.get_by_text("What was answered").first.click()
    expect(page.get_by_text("<h1>Out of order</h1>").first).to_be_visible()
    receiver.status = 204
    if page.get_by_role("button", name="Try now").count():
        page.get_by_role("button", name="Try now").click()
        expect(page.get_by_text("It is sent again, under the same id.")).to_be_visible()
    visit.reload_until("Delivered.")
    ids = [call.headers["webhook-id"] for call in receiver.calls if "Mary Jackson" in call.body.decode()]
    assert len(ids) > 1
    assert len(set(ids)) == 1


def the_channel_is_paused_and_goes_on(visit: Visit) -> None:
    page = visit.page
    visit.go("Channels")
    page.get_by_role("link", name="CRM").click()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Somebody paused it.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_an_alert_is_seen_on_every_page_and_its_change_taken_back(visit_without_worker: Visit) -> None:
    visit = visit_without_worker
    page, installation = visit.page, visit.server.installation
    visit.go("Stagewise API")
    page.get_by_label("Maximum leads per IP").fill("1")
    page.get_by_role("button", name="Save Config").click()
    expect(page.get_by_text("Saved. It holds for the next call.")).to_be_visible()
    raise_alert(installation)
    visit.go("Leads")
    page.get_by_role("link", name="Calls are refused since a change of the settings: My website").click()
    expect(page.get_by_text("olga@example.com changed: leads per IP.")).to_be_visible()
    page.get_by_role("button", name="Take the change back").click()
    expect(page.get_by_text("“My website” is as before: leads per IP.")).to_be_visible()
    assert installation.sql("SELECT max_leads_per_ip FROM endpoint") == [(10,)]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Maximum leads per IP")).to_have_value("1")
    visit.go("Alerts")
    page.get_by_role("combobox", name=re.compile("^Snooze")).select_option("for a day")
    page.get_by_role("button", name="Snooze", exact=True).click()
    expect(page.get_by_text("Snoozed for a day.")).to_be_visible()
    visit.go("Alerts")
    page.get_by_role("link", name="Figures and test lead of My website").click()
    page.get_by_label("Or simply for so many hours").fill("24")
    page.get_by_role("button", name="Save figures").click()
    expect(page.get_by_text("“My website” is watched by these figures")).to_be_visible()
    expect(page.get_by_label("Or simply for so many hours")).to_have_value("24")


def raise_alert(installation: Installation) -> None:
    """What the worker writes when calls are refused since the newest change."""
    (entry, workspace, at), *_ = installation.sql(
        "SELECT id, workspace_id, at FROM audit_entry WHERE action = 'endpoint.saved' ORDER BY id DESC"
    )
    change = {"audit_id": entry, "at": at, "by": "olga@example.com", "fields": ["max_leads_per_ip"]}
    figures = {"refused": 12, "percent": 90, "percent_before": 3, "by_code": {"rate_limited": 12}, "change": change}
    installation.sql(
        "INSERT INTO alert (workspace_id, endpoint_id, kind, subject, data, raised_at)"
        " SELECT ?, id, 'refused_after_change', 'test', ?, ? FROM endpoint",
        workspace,
        json.dumps(figures),
        at,
    )


@pytest.mark.parametrize("engine", ["sqlite"])
def test_monitoring_shows_what_the_calls_came_to(visit: Visit) -> None:
    page, server = visit.page, visit.server
    assert server.post_lead(name="Ada Lovelace").status == 201
    assert server.post_lead(name="", email="nobody").status == 422
    visit.go("Monitoring")
    visit.reload_until("1 of 2 calls taken")
    visit.reload_until("Half of all answers (p50)")
    page.get_by_role("link", name="Last hour").click()
    expect(page.get_by_role("heading", name="Calls in each minute")).to_be_visible()
    chart = page.get_by_role("img", name="Calls by what became of them.").bounding_box()
    assert chart
    assert chart["width"] > 250
    assert chart["height"] > 120
    page.get_by_text("What became of them").click()
    expect(page.get_by_role("link", name="Created")).to_be_visible()
    page.get_by_text("The chart as a table").click()
    expect(page.get_by_role("columnheader", name="Wrong or incomplete")).to_be_visible()
    expect(page.get_by_role("cell", name="127.0.0.1")).to_be_visible()


@pytest.mark.parametrize("engine", ["sqlite"])
def test_channels_and_alerts_work_without_a_script(
    installation: Installation, chromium: Browser, receiver: Receiver
) -> None:
    context = chromium.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    visit = Visit(installation.serve(outbound_allow="127.0.0.0/8"), context)
    visit.set_up()
    page = visit.page
    visit.go("Channels")
    page.get_by_role("link", name="Webhook").click()
    page.get_by_label("Name").fill("CRM")
    page.get_by_label("URL", exact=True).fill(f"http://127.0.0.1:{receiver.port}/hook")
    page.get_by_role("button", name="Add channel").click()
    assert page.locator("#secret").inner_text().startswith("whsec_")
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("button", name="Send test event").click()
    expect(page.get_by_text("The test event arrived within")).to_be_visible()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    assert visit.complaints == []
    context.close()
