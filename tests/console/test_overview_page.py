"""The overview: figures, what needs attention, endpoints, newest leads."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member, User
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import AttemptCounter, Endpoint
from stagewise.leads.models import (
    HeldLead,
    Lead,
    LeadMention,
    LeadNote,
    LeadSlot,
    LeadTask,
    LeadType,
    UnmatchedName,
)
from stagewise.worker import derive
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, Place, alert, channel, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
DAY = 86_400_000
PATH = "/w/acme/overview/"


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


@pytest.fixture
def calm(cast: Cast) -> Cast:
    """Nothing needs anybody at Acme."""
    HeldLead.objects.all().delete()
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.0/24"]))
    return cast


def count(there: Place, outcome: str, number: int, at: int | None = None) -> None:
    at = now_ms() if at is None else at
    AttemptCounter.objects.create(
        workspace_id=there.workspace.pk,
        endpoint_id=there.endpoint.pk,
        minute=at - at % 60_000,
        outcome=outcome,
        process=number,
        count=number,
        detailed=0,
    )


def test_it_is_the_first_page_after_the_login(adam: Client) -> None:
    assert adam.get("/")["Location"] == PATH


def test_the_head_says_the_state_in_words(calm: Cast, adam: Client) -> None:
    count(calm.acme, "created", 1)
    assert "1 lead today · 1 is new · everything is arriving" in read(adam, PATH).text
    lead(calm.acme, changed_at=1, answered_at=1)
    alert(calm.acme)
    assert "2 leads today · 1 is new · 1 thing needs you" in read(adam, PATH).text
    save_rules(calm.acme.endpoint, RuleChanges(allowed_ips=[]))
    assert "“My website” refuses everything" in read(adam, PATH).text


def test_a_quiet_day_is_said_so(calm: Cast, adam: Client) -> None:
    Lead.objects.update(created_at=now_ms() - 20 * DAY)
    assert "No leads today · everything is arriving" in read(adam, PATH).text


# Figures


def figure(page: Page, name: str) -> str:
    html = page.html.partition(f'id="figure-{name}"')[2].partition("</dl>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition(">")[2]).split())


def test_leads_are_said_of_today_of_7_and_of_30_days_with_their_change(calm: Cast, adam: Client) -> None:
    now = now_ms()
    for back in (0, 2, 3, 8, 9, 40):
        lead(calm.acme, created_at=now - back * DAY)
    derive.derive(100)
    page = read(adam, PATH)
    assert figure(page, "leads") == "Leads 2 Today · 2 more 7 days 4 2 more 30 days 6 5 more"
    assert page.html.count('class="spark"') == 3


def test_refused_calls_are_said_so_too(calm: Cast, adam: Client) -> None:
    count(calm.acme, "created", 70)
    count(calm.acme, "ip_not_allowed", 1234)
    count(calm.acme, "rate_limited", 2, now_ms() - 3 * DAY)
    assert figure(read(adam, PATH), "refused").startswith("Refused calls 1,234 Today · 1,234 more 7 days 1,236")


def test_the_time_to_the_first_answer_is_said_where_somebody_answered(calm: Cast, adam: Client) -> None:
    now = now_ms()
    assert figure(read(adam, PATH), "answered").startswith("Time to first answer – Today 7 days –")
    lead(calm.acme, created_at=now - 10_000_000, answered_at=now - 10_000_000 + 600_000)
    lead(calm.acme, created_at=now - 9 * DAY, answered_at=now - 9 * DAY + 1_800_000)
    assert "7 days 10 min 20 min sooner 30 days" in figure(read(adam, PATH), "answered")


def test_the_chart_is_a_table_of_days_and_lead_types(calm: Cast, adam: Client) -> None:
    now = now_ms()
    lead(calm.acme, created_at=now - DAY, lead_type=calm.acme.types[1])
    count(calm.acme, "rate_limited", 3)
    derive.derive(100)
    page = read(adam, PATH)
    table = page.html.partition('class="plot-table"')[2].partition("</table>")[0]
    assert re.findall(r"data-series>\s*<bdi>(\w+)", table) == ["General", "Sales"]
    assert table.count("data-day=") == 30
    assert re.findall(r'data-value="(\d+)"', table)[:4] == ["1", "0", "0", "1"]
    assert read(adam, f"{PATH}?days=7").html.count("data-day=") == 7
    assert read(adam, f"{PATH}?days=1000").html.count("data-day=") == 30


def test_rare_lead_types_share_a_colour(calm: Cast, adam: Client) -> None:
    for number in range(12):
        made = LeadType.objects.create(
            workspace=calm.acme.workspace, name=f"Type {number}", name_key=f"type {number}", position=10 + number
        )
        slot = now_ms() // 1_800_000
        LeadSlot.objects.create(
            workspace_id=calm.acme.workspace.pk, slot=slot, lead_type_id=made.pk, endpoint_id=0, count=number + 1
        )
    table = read(adam, PATH).html.partition('class="plot-table"')[2].partition("</table>")[0]
    names = re.findall(r"data-series>\s*<bdi>([\w ]+)", table)
    assert names == [*(f"Type {number}" for number in range(5, 12)), "Others"]
    # 1 to 5, and the lead that was there before
    assert re.findall(r'data-value="(\d+)"', table)[:8] == ["6", "7", "8", "9", "10", "11", "12", "16"]


def test_what_became_of_the_calls_is_told_by_reason(calm: Cast, adam: Client) -> None:
    count(calm.acme, "created", 75)
    count(calm.acme, "ip_not_allowed", 20)
    count(calm.acme, "invalid_fields", 3)
    count(calm.acme, "invalid_json", 2)
    count(calm.acme, "test", 50)
    page = read(adam, PATH)
    assert "Created 75 75 % IP not allowed 20 20 % Invalid request invalid_fields 3 3 %" in page.text
    assert 'href="/w/acme/logs/?outcome=ip_not_allowed&amp;from=' in page.html


# What needs attention


def matters(page: Page) -> str:
    html = page.html.partition('id="matters"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", html.partition(">")[2]).split())


def test_when_nothing_needs_anybody_that_is_said(calm: Cast, adam: Client) -> None:
    assert matters(read(adam, PATH)) == "Needs attention Nothing needs you right now."


def test_an_alert_stands_there_with_where_to_look(calm: Cast, adam: Client) -> None:
    alert(calm.acme)
    alert(calm.acme, "held_full", subject="x", data={"waiting": 1, "room": 2}, snoozed_until=now_ms() + DAY)
    page = read(adam, PATH)
    assert "No leads are coming in: My website" in matters(page)
    assert "Many held leads" not in matters(page)
    assert ">Look at Logs</a>" in page.html
    # The banner of the other pages would say it twice.
    assert page.text.count("No leads are coming in: My website") == 1


def test_of_many_alerts_some_are_named(calm: Cast, adam: Client) -> None:
    for number in range(5):
        alert(calm.acme, subject=str(number))
    assert "2 more alerts" in matters(read(adam, PATH))


def test_an_endpoint_that_refuses_everything_leads_to_its_mend(cast: Cast, adam: Client) -> None:
    text = matters(read(adam, PATH))
    assert "My website Refusing everything: the IP list is empty. Say who may call" in text
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))
    count(cast.acme, "ip_not_allowed", 30)
    page = read(adam, PATH)
    assert "Refused all 30 calls of the last 24 hours" in matters(page)
    assert f'href="/w/acme/logs/?endpoint={cast.acme.endpoint.pk}&amp;outcome=refused"' in page.html


def test_an_endpoint_that_is_off_is_switched_on_from_there_and_off_again(calm: Cast, adam: Client) -> None:
    save_rules(calm.acme.endpoint, RuleChanges(enabled=False))
    page = read(adam, PATH)
    assert "Switched off: every call is refused. Switch it on" in matters(page)
    path = f"/w/acme/integration/api/{calm.acme.endpoint.pk}/switch/"
    page = send(adam, path, enabled="on", back="overview")
    assert Endpoint.objects.get(pk=calm.acme.endpoint.pk).enabled
    assert "Nothing needs you right now." in matters(page)
    assert "Undo" in page.text
    assert 'name="back" value="overview"' in page.html.partition('id="toasts"')[2]


def test_an_endpoint_that_is_off_on_purpose_is_no_matter_while_another_takes_leads(calm: Cast, adam: Client) -> None:
    shop = add_endpoint(calm.acme.workspace, "Shop")
    save_rules(shop, RuleChanges(enabled=False))
    page = read(adam, PATH)
    assert "Nothing needs you right now." in matters(page)
    assert "Shop switched off: every call is refused" in page.text


def test_a_channel_that_fails_stands_there_once(calm: Cast, adam: Client) -> None:
    sales = channel(calm.acme, failing_since=now_ms() - DAY)
    assert "Sales team Every try fails." in matters(read(adam, PATH))
    alert(calm.acme, "channel_failing", endpoint=None, channel=sales, subject="1", data={"since": now_ms() - DAY})
    text = matters(read(adam, PATH))
    assert "A channel fails: Sales team" in text
    assert text.count("Sales team") == 1


def test_held_leads_wait_there(cast: Cast, adam: Client) -> None:
    assert "1 held lead waits" in matters(read(adam, PATH))


def test_a_name_that_was_no_lead_types_becomes_one_with_a_click_and_undo(calm: Cast, adam: Client) -> None:
    UnmatchedName.objects.create(
        workspace_id=calm.acme.workspace.pk, name="Gardens", name_key="gardens", count=12, last_at=now_ms()
    )
    page = read(adam, PATH)
    assert "“Gardens” It came 12 times as lead_type_name and is no lead type" in matters(page)
    page = send(adam, "/w/acme/logs/mend/lead-type/", name="Gardens", back="overview")
    assert "“Gardens” is a lead type now." in page.text
    assert "Nothing needs you right now." in matters(page)
    made = LeadType.objects.get(workspace=calm.acme.workspace, name="Gardens")
    page = send(adam, f"/w/acme/logs/mend/lead-type/{made.pk}/undo/", back="overview")
    assert "“Gardens” is in the archive." in page.text
    made.refresh_from_db()
    assert made.archived_at is not None


def test_tasks_and_mentions_are_those_of_the_person_who_looks(calm: Cast, as_user: AsUser) -> None:
    agnes, adam = Member.objects.get(user=calm.agnes), Member.objects.get(user=calm.adam)
    at = now_ms()
    for text, member, due in (
        ("Send the offer", agnes, at - 1),
        ("Ask again", adam, at - 1),
        ("Later", agnes, at + 9 * DAY),
    ):
        LeadTask.objects.create(
            workspace=calm.acme.workspace, lead=calm.acme.lead, member=member, text=text, due_at=due, created_at=at
        )
    note = LeadNote.objects.create(
        workspace=calm.acme.workspace, lead=calm.acme.lead, member=adam, text="@agnes please look", at=at
    )
    LeadMention.objects.create(workspace_id=calm.acme.workspace.pk, note=note, lead=calm.acme.lead, member=agnes, at=at)
    text = matters(read(as_user(calm.agnes), PATH))
    assert "Send the offer Grace Hopper" in text
    assert "adam@example.com named you at Grace Hopper @agnes please look" in text
    assert "Ask again" not in text
    assert "Later" not in text
    text = matters(read(as_user(calm.adam), PATH))
    assert "Ask again" in text
    assert "named you" not in text


def test_a_viewer_is_offered_no_button_that_would_be_refused(cast: Cast, as_user: AsUser) -> None:
    UnmatchedName.objects.create(
        workspace_id=cast.acme.workspace.pk, name="Gardens", name_key="gardens", count=1, last_at=1
    )
    save_rules(cast.acme.endpoint, RuleChanges(enabled=False))
    page = read(as_user(cast.vera), PATH)
    assert "<form" not in page.html.partition('id="overview"')[2].partition("</main>")[0]
    assert "Look at held leads" in page.text


def test_next_doors_matters_are_not_ours(calm: Cast, adam: Client) -> None:
    alert(calm.next_door)
    count(calm.next_door, "created", 5000)
    channel(calm.next_door, failing_since=1)
    lead(calm.next_door, name="Somebody else")
    page = read(adam, PATH)
    assert "Nothing needs you right now." in page.text
    assert "5,000" not in page.text
    assert "Somebody else" not in page.text


# The rest


def test_the_newest_leads_are_there_with_a_mark_for_what_is_new(calm: Cast, adam: Client) -> None:
    for number in range(6):
        lead(
            calm.acme, name=f"Person {number}", message=f"\nLine {number}\nmore", changed_at=1 if number == 5 else None
        )
    page = read(adam, PATH)
    html = page.html.partition('id="newest"')[2].partition("</section>")[0]
    assert re.findall(r"Person \d", html) == [f"Person {number}" for number in (5, 4, 3, 2, 1)]
    assert html.count("state new") == 4
    assert "Line 5" in html


def test_endpoints_say_how_they_are(calm: Cast, adam: Client) -> None:
    count(calm.acme, "created", 1)
    page = read(adam, PATH)
    assert "My website last lead just now" in page.text


def test_the_page_asks_the_database_the_same_for_much_as_for_little(calm: Cast, adam: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            adam.get(PATH)
        return len(asked)

    alert(calm.acme)
    UnmatchedName.objects.create(workspace_id=calm.acme.workspace.pk, name="A", name_key="a", count=1, last_at=now_ms())
    adam.get(PATH)  # it is written down when somebody was last here
    before = queries()
    for number in range(9):
        lead(calm.acme, created_at=now_ms() - number * DAY, answered_at=now_ms(), lead_type=calm.acme.types[number % 3])
        alert(calm.acme, subject=f"s{number}")
        add_endpoint(calm.acme.workspace, f"Shop {number}")
        count(calm.acme, "created", number + 10)
        channel(calm.acme, f"Channel {number}", failing_since=1)
    assert queries() == before


@pytest.mark.parametrize(
    "evil", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{ 7|add:7 }}", "'--"]
)
def test_what_others_write_is_text(cast: Cast, adam: Client, evil: str) -> None:
    member, at = Member.objects.get(user=cast.adam), now_ms()
    there = lead(cast.acme, name=evil, message=evil)
    LeadTask.objects.create(
        workspace=cast.acme.workspace, lead=there, member=member, text=evil, due_at=at, created_at=at
    )
    note = LeadNote.objects.create(workspace=cast.acme.workspace, lead=there, member=member, text=evil, at=at)
    LeadMention.objects.create(workspace_id=cast.acme.workspace.pk, note=note, lead=there, member=member, at=at)
    UnmatchedName.objects.create(workspace_id=cast.acme.workspace.pk, name=evil, name_key=evil, count=1, last_at=at)
    add_endpoint(cast.acme.workspace, evil)
    channel(cast.acme, evil, failing_since=at)
    page = read(adam, PATH)
    assert page.status == 200
    assert page.text.count(evil) >= 6
    assert not {"img"} & page.tags
    assert page.html.count("<script") == 2
