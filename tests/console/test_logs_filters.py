"""Narrowing Logs: by the bars, by fields, by a request; and what is found as a file."""

from __future__ import annotations

import csv
import datetime
import io
import json
import re
from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User
from stagewise.endpoints import journal_walk
from stagewise.endpoints.models import AttemptCounter
from tests.console.pages import read
from tests.support.cast import Cast, attempt, summary

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
HOUR, DAY = 3_600_000, 86_400_000
PATH = "/w/acme/logs/"


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def shown(browser: Client, query: str) -> list[str]:
    return re.findall(r"<bdi>(agent-\w+)</bdi>", read(browser, f"{PATH}?{query}").html)


def count(cast: Cast, outcome: str, at: int, number: int) -> None:
    AttemptCounter.objects.create(
        workspace_id=cast.acme.workspace.pk,
        endpoint_id=cast.acme.endpoint.pk,
        minute=at - at % 60_000,
        outcome=outcome,
        process=1,
        count=number,
        detailed=0,
    )


def test_calls_are_found_by_ip_origin_and_request(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201, user_agent="agent-a", address="2001:db8::7", request_id="a" * 32)
    attempt(cast.acme, "created", 201, user_agent="agent-b", origin="https://shop.example", request_id="b" * 32)
    assert shown(adam, "address=2001:DB8:0::7") == ["agent-a"]
    assert shown(adam, "address=nonsense") == []
    assert shown(adam, "origin=shop") == ["agent-b"]
    assert shown(adam, f"request={'b' * 32}") == ["agent-b"]
    assert shown(adam, "origin=%00") == ["agent-b", "agent-a"]
    page = read(adam, f"{PATH}?address=2001:DB8:0::7&origin=shop")
    assert "No call matches" in page.text
    assert "IP 2001:db8::7" in page.text  # a chip, to be taken away
    assert 'href="?origin=shop"' in page.html


def test_a_request_is_found_near_its_time_without_a_long_search(
    cast: Cast, adam: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_walk, "SLICE", 2)
    monkeypatch.setattr(journal_walk, "PATIENCE_S", -1.0)
    at = now_ms()
    attempt(cast.acme, "created", 201, user_agent="agent-old", at=at - DAY, request_id="wanted")
    for number in range(20):
        attempt(cast.acme, "created", 201, user_agent="agent-new", at=at - number)
    page = read(adam, f"{PATH}?request=wanted")
    assert "Looked back until" in page.text
    assert "Older ones were not looked at yet." in page.text
    assert shown(adam, f"request=wanted&near={at - DAY}") == ["agent-old"]
    found: list[str] = []
    query = "request=wanted"
    for _ in range(20):
        found += shown(adam, query)
        older = re.search(r'href="\?([^"]*)">Look further back', read(adam, f"{PATH}?{query}").html)
        if older is None:
            break
        query = older[1].replace("&amp;", "&")
    assert found == ["agent-old"]


def test_dates_are_of_the_members_zone(cast: Cast, adam: Client) -> None:
    cast.acme.workspace.time_zone = "Asia/Tokyo"
    cast.acme.workspace.save()
    noon = int(datetime.datetime(2026, 3, 5, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=9))).timestamp())
    attempt(cast.acme, "created", 201, user_agent="agent-noon", at=noon * 1000)
    assert shown(adam, "from=2026-03-05T12:00&until=2026-03-05T12:01") == ["agent-noon"]
    assert shown(adam, "from=2026-03-05&until=2026-03-05") == ["agent-noon"]
    assert shown(adam, "from=2026-03-05T12:01") == []
    assert shown(adam, f"from={noon * 1000}&until={noon * 1000 + 1}") == ["agent-noon"]
    page = read(adam, f"{PATH}?from={noon * 1000}&until={noon * 1000 + HOUR}")
    assert page.values["from"] == "2026-03-05T12:00"
    assert "Thu 5 Mar 12:00 to 13:00" in page.text


@pytest.mark.parametrize(
    "typed", ["x", "2026-99-99", "99999999999999999999", "9999999999999999", "0001-01-01", "-5", "é"]
)
def test_a_date_that_is_none_counts_as_not_said(cast: Cast, adam: Client, typed: str) -> None:
    attempt(cast.acme, "created", 201, user_agent="agent-a")
    assert read(adam, f"{PATH}?from={typed}&until={typed}").status == 200


def test_a_bar_is_a_link_to_the_calls_of_its_hour(cast: Cast, adam: Client) -> None:
    at = now_ms()
    attempt(cast.acme, "ip_not_allowed", 403, user_agent="agent-before", at=at - 5 * HOUR)
    attempt(cast.acme, "created", 201, user_agent="agent-now", at=at)
    count(cast, "created", at, 7)
    count(cast, "ip_not_allowed", at - 5 * HOUR, 3)
    page = read(adam, PATH)
    bars = re.findall(r'<a href="\?([^"]*)"\s+tabindex="-1".*?<title>([^<]*)</title>', page.html, re.DOTALL)
    assert len(bars) == 24
    [(query, _words)] = [bar for bar in bars if "0 taken, 3 refused" in bar[1]]
    assert shown(adam, query.replace("&amp;", "&")) == ["agent-before"]
    assert "7 taken, 0 refused" in bars[-1][1]
    assert bars[0][1].endswith("no calls")
    # The same as a table, the newest first, for who sees no bars.
    rows = re.findall(r'<th scope="row">.*?</tr>', page.html, re.DOTALL)
    assert ["7" in rows[0], "3" in rows[1], len(rows)] == [True, True, 2]


def test_a_chosen_bar_is_marked_and_leads_back_to_all(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201)
    first = re.search(r'<a href="\?(from[^"]*)"\s+tabindex="-1"', read(adam, PATH).html)
    assert first
    page = read(adam, f"{PATH}?{first[1].replace('&amp;', '&')}")
    assert page.html.count('class="hour chosen"') == 1
    assert re.search(r'<a href="\?"\s+tabindex="-1"\s+class="hour chosen"', page.html)


def test_seven_days_are_bars_of_four_hours(cast: Cast, adam: Client) -> None:
    count(cast, "created", now_ms() - 6 * DAY, 5)
    page = read(adam, f"{PATH}?period=7d")
    assert page.html.count('class="hour ') == 42
    assert "5 taken, 0 refused" in page.html
    assert "period=7d" in page.html.partition('class="hour ')[0].rpartition("<a href=")[2]


def test_the_bars_follow_an_earlier_time_that_was_chosen(cast: Cast, adam: Client) -> None:
    at = now_ms() - 40 * DAY
    count(cast, "created", at - at % HOUR, 5)
    assert "5 taken, 0 refused" in read(adam, f"{PATH}?from={at}&until={at + HOUR}").html
    assert "5 taken, 0 refused" not in read(adam, PATH).html


def test_the_bars_follow_outcome_and_endpoint(cast: Cast, adam: Client) -> None:
    count(cast, "created", now_ms(), 5)
    count(cast, "rate_limited", now_ms(), 3)
    assert "0 taken, 3 refused" in read(adam, f"{PATH}?outcome=refused").html
    assert "5 taken, 0 refused" in read(adam, f"{PATH}?outcome=accepted").html
    page = read(adam, f"{PATH}?outcome=timeout&origin=x")
    assert "taken, 3" not in page.html
    assert "The bars count all IPs, origins and requests." in page.text


# Details


def test_a_call_opens_to_how_it_was_decided(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "missing_fields", 422, field_errors="name:required", address_from="X-Forwarded-For")
    page = read(adam, PATH)
    assert "Origin passed: none was sent" in page.text
    assert "Fields refused: Name, phone or e-mail was missing or blank. (name was missing)" in page.text
    assert "Lead type not looked at" in page.text
    assert "read from the header X-Forwarded-For" in page.text


def test_a_request_id_links_to_itself(cast: Cast, adam: Client) -> None:
    made = attempt(cast.acme, "created", 201, user_agent="agent-a", request_id="c" * 32)
    assert f'href="?request={"c" * 32}&amp;near={made.at}"' in read(adam, PATH).html
    assert shown(adam, f"request={'c' * 32}&near={made.at}") == ["agent-a"]


# As a file


def test_what_is_filtered_comes_as_csv_safe_to_open(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201, origin='=HYPERLINK("x")', user_agent="+agent", at=1_800_000_000_000)
    attempt(cast.acme, "missing_fields", 422, field_errors="name:required,email:blank")
    summary(cast.acme, "created", 201, count=12, address="203.0.113.7")
    answer = adam.get(f"{PATH}calls.csv?outcome=created")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="calls.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]
    assert [(row["outcome"], row["count"]) for row in rows] == [("created", "1"), ("created", "12")]
    assert rows[0]["origin"] == '\'=HYPERLINK("x")'
    assert rows[0]["user_agent"] == "'+agent"
    assert rows[0]["at"] == "2027-01-15T08:00:00.000Z"
    assert rows[0]["endpoint"] == "My website"


def test_what_is_filtered_comes_as_json(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "missing_fields", 422, field_errors="name:required,email:blank", preflight=False)
    attempt(cast.next_door, "created", 201)
    answer = adam.get(f"{PATH}calls.json")
    [call] = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert call["field_errors"] == "name: required, email: blank"
    assert call["preflight"] is False
    empty = adam.get(f"{PATH}calls.json?outcome=created")
    assert json.loads(b"".join(empty.streaming_content)) == []  # type: ignore[attr-defined]


def test_there_is_no_third_kind_of_file(adam: Client) -> None:
    assert adam.get(f"{PATH}calls.exe").status_code == 404


def test_the_page_links_files_of_what_it_shows(cast: Cast, adam: Client) -> None:
    attempt(cast.acme, "created", 201)
    html = read(adam, f"{PATH}?outcome=created").html
    assert 'href="/w/acme/logs/calls.csv?outcome=created"' in html
    assert 'href="/w/acme/logs/calls.json?outcome=created"' in html
