"""Leads by day and type, and how soon they were answered."""

from __future__ import annotations

import datetime
import zoneinfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stagewise.accounts.days import Days
from stagewise.leads import figures
from stagewise.leads.models import Lead, LeadSlot
from stagewise.worker import derive
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

HOUR = 3_600_000
DAY = 24 * HOUR
NOW = int(datetime.datetime(2026, 11, 22, 15, 0, tzinfo=datetime.UTC).timestamp() * 1000)
DAYS = Days.until(NOW, zoneinfo.ZoneInfo("UTC"))


@pytest.fixture
def acme(cast: Cast) -> Cast:
    Lead.objects.all().delete()
    return cast


def test_slots_are_as_long_as_the_worker_makes_them() -> None:
    assert figures.SLOT_MS == derive.SLOT_MS


def test_leads_are_counted_by_day_and_type_whether_or_not_the_worker_has_seen_them(acme: Cast) -> None:
    general, sales = acme.acme.types[:2]
    lead(acme.acme, created_at=NOW - HOUR)
    lead(acme.acme, created_at=NOW - DAY, lead_type=sales)
    derive.derive(100)
    lead(acme.acme, created_at=NOW - 2 * HOUR)
    lead(acme.next_door, created_at=NOW)
    counted = figures.counted(acme.acme.workspace, DAYS)
    assert counted.by_type[-1] == {general.pk: 2}
    assert counted.by_type[-2] == {sales.pk: 1}
    assert (counted.all.of(1), counted.all.of(7)) == (2, 3)


def test_a_deleted_lead_has_come_all_the_same_and_a_test_lead_never_did(acme: Cast) -> None:
    lead(acme.acme, created_at=NOW - HOUR)
    lead(acme.acme, created_at=NOW - HOUR, test=True)
    derive.derive(100)
    Lead.objects.all().delete()
    lead(acme.acme, created_at=NOW - HOUR, test=True)
    assert figures.counted(acme.acme.workspace, DAYS).all.of(1) == 1


def test_a_lead_late_at_night_is_of_the_members_day(acme: Cast) -> None:
    lead(acme.acme, created_at=int(datetime.datetime(2026, 11, 22, 3, 0, tzinfo=datetime.UTC).timestamp() * 1000))
    derive.derive(100)
    york = Days.until(NOW, zoneinfo.ZoneInfo("America/New_York"))
    assert figures.counted(acme.acme.workspace, york).all.days[-2:] == [1, 0]
    assert figures.counted(acme.acme.workspace, DAYS).all.days[-2:] == [0, 1]


def test_the_period_before_counts_up_to_the_same_time_of_day(acme: Cast) -> None:
    for back in (DAY + HOUR, DAY - HOUR):  # yesterday before and after this time of day
        lead(acme.acme, created_at=NOW - back)
    counted = figures.counted(acme.acme.workspace, DAYS)
    assert (counted.all.days[-2], counted.all.before(1)) == (2, 1)


def test_half_of_the_leads_were_answered_so_soon(acme: Cast) -> None:
    for minutes in (1, 5, 60):
        lead(acme.acme, created_at=NOW - DAY, answered_at=NOW - DAY + minutes * 60_000)
    lead(acme.acme, created_at=NOW - DAY)
    lead(acme.acme, created_at=NOW - DAY, answered_at=NOW - DAY + 1, test=True)
    lead(acme.acme, created_at=NOW - DAY, answered_at=NOW - DAY + 1, added_by="olga@example.com")
    lead(acme.next_door, created_at=NOW - DAY, answered_at=NOW - DAY + 1)
    spans = [DAYS.period(1), DAYS.period(7), DAYS.period_before(7)]
    assert figures.answered_within(acme.acme.workspace, spans) == [None, 5 * 60_000, None]


def test_of_many_answers_the_last_ones_count(acme: Cast) -> None:
    for minutes in (1, 2, 3, 600):
        lead(acme.acme, created_at=NOW - DAY, answered_at=NOW - DAY + minutes * 60_000)
    assert figures.answered_within(acme.acme.workspace, [DAYS.period(7)], 1) == [600 * 60_000]


def test_whether_a_lead_ever_came_outlives_the_lead(acme: Cast) -> None:
    assert not figures.any_came(acme.acme.workspace)
    LeadSlot.objects.create(
        workspace_id=acme.acme.workspace.pk, slot=1, lead_type_id=1, endpoint_id=acme.acme.endpoint.pk, count=1
    )
    assert figures.any_came(acme.acme.workspace)
    assert not figures.any_came(acme.next_door.workspace)


def test_the_figures_ask_the_database_the_same_for_many_leads_as_for_none(acme: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            figures.counted(acme.acme.workspace, DAYS)
            figures.answered_within(acme.acme.workspace, DAYS.spans[-30:])
            [each.stage.name for each in figures.newest(acme.acme.workspace, 5)]
        return len(asked)

    before = queries()
    for back in range(40):
        lead(acme.acme, created_at=NOW - back * DAY, answered_at=NOW - back * DAY + 1)
    derive.derive(20)
    assert queries() == before
