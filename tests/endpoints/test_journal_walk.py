"""Finding calls in the journal that no index finds, within a time; and how far back was looked."""

from __future__ import annotations

import pytest

from stagewise.endpoints import journal, journal_walk
from stagewise.endpoints.journal import Cursor, Wanted
from stagewise.endpoints.models import Attempt
from tests.support.cast import Cast, attempt, summary

pytestmark = pytest.mark.django_db

HOUR = 3_600_000
NOW = 1_800_000_000_000 - 1_800_000_000_000 % HOUR


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks at three rows, then its time is over."""
    monkeypatch.setattr(journal_walk, "SLICE", 3)
    monkeypatch.setattr(journal_walk, "_GATHERED", 3)
    monkeypatch.setattr(journal_walk, "PATIENCE_S", -1.0)


def agents(cast: Cast, **wanted: object) -> list[str]:
    found = journal.find(cast.acme.workspace, Wanted(**wanted))  # type: ignore[arg-type]
    return [row.user_agent or f"{row.count} more" for row in found.rows]


def test_calls_are_found_by_address_origin_request_and_endpoint(cast: Cast) -> None:
    attempt(cast.acme, "created", 201, at=NOW, user_agent="1", address="203.0.113.7", origin="https://a.example")
    attempt(cast.acme, "created", 201, at=NOW, user_agent="2", address="203.0.113.8", forwarded_by="203.0.113.7")
    attempt(cast.acme, "created", 201, at=NOW, user_agent="3", origin="https://shop.b%_!.example", request_id="r3")
    attempt(cast.acme, "created", 201, at=NOW, user_agent="4", endpoint_id=999)
    summary(cast.acme, "ip_not_allowed", 403, hour=NOW - HOUR, last_at=NOW - 1, address="203.0.113.7", count=5)
    attempt(cast.next_door, "created", 201, user_agent="other", address="203.0.113.7")
    assert agents(cast, address="203.0.113.7") == ["2", "1", "5 more"]
    assert agents(cast, origin="b%_!.") == ["3"]
    assert agents(cast, origin="%") == ["3"]
    assert agents(cast, request_id="r3") == ["3"]
    assert agents(cast, request_id="r") == []
    assert agents(cast, endpoint_id=999) == ["4"]


def test_groups_of_outcomes_are_read_from_their_own_parts_of_the_index_in_one_order(cast: Cast) -> None:
    for number, code in enumerate(["created", "rate_limited", "held", "ip_not_allowed", "duplicate", "timeout"]):
        attempt(cast.acme, code, 200, at=NOW + number, user_agent=str(number))
    assert agents(cast, outcome="refused") == ["5", "3", "1"]
    assert agents(cast, outcome="accepted") == ["4", "2", "0"]
    assert agents(cast, outcome="held") == ["2"]
    assert agents(cast, outcome="refused", address="203.0.113.9") == ["5", "3", "1"]


def test_calls_are_found_by_time_to_the_millisecond(cast: Cast) -> None:
    for number in range(40):
        attempt(cast.acme, "created", 201, at=NOW + number * 1_000, user_agent=str(number))
    attempt(cast.acme, "ip_not_allowed", 403, at=NOW + 5_500, user_agent="late")  # written after its neighbours
    summary(cast.acme, "ip_not_allowed", 403, hour=NOW, last_at=NOW + 4_000, count=9)
    summary(cast.acme, "ip_not_allowed", 403, hour=NOW + HOUR, last_at=NOW + HOUR, count=8)
    assert agents(cast, since=NOW + 4_000, until=NOW + 7_000) == ["late", "6", "5", "4", "9 more"]
    assert agents(cast, since=NOW + 39_000) == ["8 more", "39", "9 more"]
    assert agents(cast, until=NOW) == []


@pytest.mark.parametrize(
    "times", [[1, 2, 3, 4, 5], [1, 1, 1, 1, 9], [1, 9, 9, 9, 9], [5] * 5, [1, 1000, 1001, 10**6, 10**9]]
)
def test_the_first_call_of_a_time_is_found_whatever_the_distances(cast: Cast, times: list[int]) -> None:
    rows = [attempt(cast.acme, "created", 201, at=at) for at in times]
    Attempt.objects.filter(pk=rows[2].pk).delete()  # ids have gaps
    kept = [(row.pk, row.at) for row in rows if row.pk != rows[2].pk]
    for at in range(12):
        first = journal_walk._first_id_at(cast.acme.workspace.pk, at)
        assert [pk for pk, _ in kept if pk >= first] == [pk for pk, its in kept if its >= at]


def test_without_calls_there_is_no_first_one(cast: Cast) -> None:
    assert journal_walk._first_id_at(cast.acme.workspace.pk, NOW) == 0


@pytest.mark.usefixtures("in_small_steps")
def test_a_page_that_ran_out_of_time_says_how_far_it_looked_and_goes_on_there(cast: Cast) -> None:
    for number in range(10):
        address = "203.0.113.7" if number in {0, 5} else "203.0.113.8"
        attempt(cast.acme, "created", 201, at=NOW + number, user_agent=str(number), address=address)
    seen, looked, before = [], [], None
    for _ in range(9):
        page = journal.find(cast.acme.workspace, Wanted(address="203.0.113.7"), before)
        seen += [row.user_agent for row in page.rows]
        if page.following is None:
            break
        looked.append(page.looked_until)
        before = Cursor.parse(str(page.following))
    assert seen == ["5", "0"]
    assert looked == [NOW + 7, NOW + 4, NOW + 1]


@pytest.mark.usefixtures("in_small_steps")
@pytest.mark.parametrize("size", [1, 2, 50])
def test_both_streams_are_shown_once_however_little_a_page_may_look_at(cast: Cast, size: int) -> None:
    expected = []
    for number in range(12):
        mine = number % 3 == 0
        address = "203.0.113.7" if mine else "203.0.113.8"
        attempt(cast.acme, "ip_not_allowed", 403, at=NOW + number * 10, user_agent=f"a{number}", address=address)
        summary(
            cast.acme, "ip_not_allowed", 403, hour=NOW - number * HOUR, last_at=NOW - number * HOUR + 5,
            address=address, count=number + 2,
        )  # fmt: skip
        expected += [f"a{number}", f"{number + 2} more"] if mine else []
    seen: list[str] = []
    before: Cursor | None = None
    for _ in range(60):
        page = journal.find(cast.acme.workspace, Wanted(outcome="refused", address="203.0.113.7"), before, size)
        seen += [row.user_agent or f"{row.count} more" for row in page.rows]
        if page.following is None:
            break
        before = Cursor.parse(str(page.following))
    assert sorted(seen) == sorted(expected)


@pytest.mark.usefixtures("in_small_steps")
def test_a_file_has_all_of_them_however_long_that_takes(cast: Cast) -> None:
    for number in range(20):
        attempt(cast.acme, "created", 201, at=NOW + number, address="203.0.113.7" if number == 0 else "203.0.113.8")
    assert [row.at for row in journal.every(cast.acme.workspace, Wanted(address="203.0.113.7"))] == [NOW]
