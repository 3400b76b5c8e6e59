from __future__ import annotations

import pytest

from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints import journal
from stagewise.endpoints.journal import Cursor
from stagewise.endpoints.models import AttemptCounter, UnknownCall
from tests.support.cast import Cast, attempt, summary

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000_000


def test_every_outcome_has_words_for_the_owner() -> None:
    for code in [*ACCEPTED, *REFUSALS]:
        outcome = journal.outcome_of(code, 200)
        assert outcome.word
        assert outcome.in_words
        assert outcome.accepted == (code in ACCEPTED)


def test_an_outcome_of_a_newer_lane_keeps_its_code() -> None:
    assert journal.outcome_of("brand_new", 418).word == "Brand new"


def test_rows_are_newest_first_with_everything_that_is_known(cast: Cast) -> None:
    attempt(cast.acme, "created", 201, at=NOW, lead_id=cast.acme.lead.pk)
    attempt(
        cast.acme,
        "missing_fields",
        422,
        at=NOW + 1,
        origin="https://yoursite.com",
        field_errors="name:required,email:blank",
        address=None,
        address_from="X-Forwarded-For",
        note="unreadable_address",
    )
    attempt(cast.next_door, "created", 201, at=NOW + 2)
    newer, older = journal.page(cast.acme.workspace).rows
    assert (older.outcome.code, older.lead_id, older.count, older.summary) == ("created", cast.acme.lead.pk, 1, False)
    assert newer.field_errors == [("name", "required"), ("email", "blank")]
    assert (newer.address, newer.address_from, newer.note) == (None, "X-Forwarded-For", "unreadable_address")


def test_summary_rows_stand_among_the_details_by_time(cast: Cast) -> None:
    attempt(cast.acme, "ip_not_allowed", 403, at=NOW)
    summary(cast.acme, "ip_not_allowed", 403, hour=NOW, last_at=NOW + 5, count=12345)
    attempt(cast.acme, "created", 201, at=NOW + 9)
    rows = journal.page(cast.acme.workspace).rows
    assert [(row.at - NOW, row.count, row.summary) for row in rows] == [(9, 1, False), (5, 12345, True), (0, 1, False)]


def test_pages_show_each_row_of_both_kinds_once(cast: Cast) -> None:
    for number in range(10):
        attempt(cast.acme, "created", 201, at=NOW + number * 10, request_id=f"a{number}")
    for number in range(7):
        summary(cast.acme, "ip_not_allowed", 403, hour=NOW - number % 2, last_at=NOW + number * 12, count=number + 2)
    seen: list[str] = []
    before: Cursor | None = None
    for _ in range(20):
        page = journal.page(cast.acme.workspace, before=before, size=4)
        seen += [row.request_id or f"s{row.count}" for row in page.rows]
        if page.following is None:
            break
        before = Cursor.parse(str(page.following))
    assert sorted(seen) == sorted([f"a{number}" for number in range(10)] + [f"s{number + 2}" for number in range(7)])


def test_the_journal_is_filtered_by_outcome_and_endpoint(cast: Cast) -> None:
    attempt(cast.acme, "created", 201)
    attempt(cast.acme, "replayed", 201)
    attempt(cast.acme, "rate_limited", 429)
    attempt(cast.acme, "rate_limited", 429, endpoint_id=cast.acme.endpoint.pk + 1000)
    summary(cast.acme, "ip_not_allowed", 403)

    def codes(outcome: str | None = None, endpoint_id: int | None = None) -> list[str]:
        return sorted(row.outcome.code for row in journal.page(cast.acme.workspace, outcome, endpoint_id).rows)

    assert codes("created") == ["created"]
    assert codes("refused") == ["ip_not_allowed", "rate_limited", "rate_limited"]
    assert codes("rate_limited", cast.acme.endpoint.pk) == ["rate_limited"]
    assert len(codes()) == 5


@pytest.mark.parametrize("text", ["", "-", "x", "1", "-1.2", "9999999999999999999-", "-1.2.3.4", "1-1.1.x", "١-"])
def test_a_cursor_that_is_none_begins_at_the_newest(text: str) -> None:
    assert Cursor.parse(text) == Cursor()


@pytest.mark.parametrize("cursor", [Cursor(5), Cursor(None, (1, 2, 3)), Cursor(7, (1, 2, 3)), Cursor()])
def test_a_cursor_reads_what_it_wrote(cursor: Cursor) -> None:
    assert Cursor.parse(str(cursor)) == cursor


def test_counters_of_all_processes_are_summed_over_a_day(cast: Cast) -> None:
    for process, minute, count in ((1, NOW, 3), (2, NOW, 4), (1, NOW - 60_000, 5), (1, NOW - 86_400_000, 100)):
        AttemptCounter.objects.create(
            workspace_id=cast.acme.workspace.pk,
            endpoint_id=cast.acme.endpoint.pk,
            minute=minute,
            outcome="created",
            process=process,
            count=count,
            detailed=count,
        )
    assert journal.counts(cast.acme.workspace, NOW) == {"created": 12}
    assert journal.counts(cast.next_door.workspace, NOW) == {}


def test_unknown_calls_are_listed_newest_first(db: None) -> None:
    for number in range(3):
        UnknownCall.objects.create(
            hour=NOW, prefix=f"key{number}", address="203.0.113.9", count=1, last_at=NOW + number
        )
    assert [call.prefix for call in journal.unknown_calls(2)] == ["key2", "key1"]
