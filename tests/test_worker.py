"""The worker: what it fills in, hands on and throws away, and that it lets others work meanwhile."""

from __future__ import annotations

import datetime
import itertools
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from stagewise import health, settings
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import CacheRow, Workspace
from stagewise.core.ids import uuid7
from stagewise.endpoints.models import (
    Attempt,
    AttemptCounter,
    AttemptSummary,
    BoundKey,
    Hit,
    UnknownCall,
)
from stagewise.leads.models import Lead
from stagewise.notify.models import Event
from stagewise.site import partitioning, provision
from stagewise.worker import derive, retention
from stagewise.worker.loop import Job, Worker
from stagewise.worker.retention import DAY_MS, HOUR_MS
from stagewise.worker.slices import Slices

pytestmark = pytest.mark.django_db(transaction=True)

on_postgres = pytest.mark.skipif("connection.vendor != 'postgresql'", reason="months are PostgreSQL's")


@pytest.fixture
def workspace() -> Workspace:
    return provision.first_run().workspace


@pytest.fixture
def slices() -> Slices:
    return Slices(threading.Event())


def add_lead(workspace: Workspace, **fields: Any) -> Lead:
    kind = workspace.lead_types.first()
    assert kind is not None
    stage = kind.stages.first()
    assert stage is not None
    values = {"name": "Ada", "phone": "020 7946 0958", "email": "Ada@Example.com", **fields}
    return Lead.objects.create(
        workspace=workspace, public_id=uuid7(now_ms()), lead_type=kind, stage=stage, created_at=now_ms(), **values
    )


# Derived fields


def test_a_national_number_is_read_as_one_of_the_workspaces_region(workspace: Workspace) -> None:
    Workspace.objects.update(default_region="GB")
    lead = add_lead(workspace)
    assert derive.derive(10) == 1
    lead.refresh_from_db()
    assert (lead.phone_e164, lead.phone_valid) == ("+442079460958", True)
    assert lead.search.text.splitlines()[:2] == ["ada", "ada@example.com"]
    assert "442079460958" in lead.search.text
    assert lead.derived_at is not None


def test_without_a_region_a_national_number_stays_as_it_is(workspace: Workspace) -> None:
    lead = add_lead(workspace)
    derive.derive(10)
    lead.refresh_from_db()
    assert lead.phone_e164 is None
    assert not lead.phone_valid
    assert "02079460958" in lead.search.text


def test_what_the_lane_answered_with_is_kept(workspace: Workspace) -> None:
    lead = add_lead(workspace, phone_e164="+4420794609")
    derive.derive(10)
    lead.refresh_from_db()
    assert lead.phone_e164 == "+4420794609"


def test_a_lead_is_derived_once(workspace: Workspace, slices: Slices) -> None:
    for _ in range(30):
        add_lead(workspace)
    assert slices.work(derive.derive) == 30
    assert slices.work(derive.derive) == 0
    assert not Lead.objects.filter(derived_at=None).exists()


# Retention


def add_event(at: int, dispatched_at: int | None = None) -> Event:
    return Event.objects.create(
        workspace_id=1, public_id=uuid.uuid4(), kind="lead.created", lead_id=1, at=at, dispatched_at=dispatched_at
    )


def connection_url() -> str:
    values = connection.settings_dict
    return f"postgresql://{values['USER']}@{values['HOST']}:{values['PORT']}/{values['NAME']}"


def test_everything_is_kept_for_its_time_and_not_longer(workspace: Workspace, slices: Slices) -> None:
    now = now_ms()
    ids = {"workspace_id": workspace.pk, "endpoint_id": 1}
    call = {"outcome": "created", "status": 201}
    for age, n in ((25 * HOUR_MS + 1000, 0), (25 * HOUR_MS - 60_000, 1)):
        Hit.objects.create(**ids, bucket="192.0.2.1", at=now - age)
        BoundKey.objects.create(**ids, key=f"k{n}", fingerprint="", lead_id=1, answer="", at=now - age)
    for age in (90 * DAY_MS + HOUR_MS, 90 * DAY_MS - HOUR_MS):
        AttemptSummary.objects.create(**ids, **call, hour=now - age, count=1, last_at=now)
    for age in (30 * DAY_MS + HOUR_MS, 30 * DAY_MS - HOUR_MS):
        UnknownCall.objects.create(hour=now - age, prefix="abcdef", count=1, last_at=now)
    assert retention.prune(slices) == 4
    assert retention.prune(slices) == 0
    for model in (Hit, BoundKey, AttemptSummary, UnknownCall):
        assert model._default_manager.count() == 1, model


def test_attempts_and_events_are_kept_for_ninety_days(slices: Slices) -> None:
    now = now_ms()
    for age in (130 * DAY_MS, 80 * DAY_MS):
        Attempt.objects.create(
            workspace_id=1, endpoint_id=1, at=now - age, outcome="created", status=201, address_from="peer"
        )
        add_event(now - age, dispatched_at=now - age)
    undispatched = add_event(now - 130 * DAY_MS)
    retention.prune(slices)
    retention.make_partitions()
    assert Attempt.objects.count() == 1
    assert set(Event.objects.values_list("at", flat=True)) == {now - 80 * DAY_MS, undispatched.at}
    assert Event.objects.filter(dispatched_at=None).count() == 1


def test_expired_sessions_and_counted_logins_go_and_others_stay(slices: Slices) -> None:
    now = timezone.now()
    for name, end in (("old", now - datetime.timedelta(minutes=1)), ("new", now + datetime.timedelta(hours=1))):
        Session.objects.create(session_key=name, session_data="", expire_date=end)
        CacheRow.objects.create(cache_key=name, value="", expires=end)
    assert retention.prune(slices) == 2
    assert list(Session.objects.values_list("pk", flat=True)) == ["new"]
    assert list(CacheRow.objects.values_list("pk", flat=True)) == ["new"]


def test_a_flood_is_deleted_in_slices(slices: Slices) -> None:
    old = now_ms() - 26 * HOUR_MS
    Hit.objects.bulk_create(Hit(workspace_id=1, endpoint_id=1, bucket="192.0.2.1", at=old + n) for n in range(2_500))
    assert retention.prune(slices) == 2_500


def test_old_counters_become_one_row_an_hour(workspace: Workspace, slices: Slices) -> None:
    now = now_ms()
    hour = (now - 9 * DAY_MS) // HOUR_MS * HOUR_MS
    fresh = now // 60_000 * 60_000
    ids = {"workspace_id": workspace.pk, "endpoint_id": 1, "outcome": "created"}

    def count(minute: int, process: int, outcome: str = "created") -> None:
        AttemptCounter.objects.create(
            **{**ids, "outcome": outcome}, minute=minute, process=process, count=10, detailed=4
        )

    for minute in (hour, hour + 60_000, hour + 59 * 60_000):
        count(minute, 1)
        count(minute, 2)
    count(hour, 1, "rate_limited")
    count(hour + HOUR_MS, 1)
    count(fresh, 1)
    count(fresh, 2)
    count(now - 401 * DAY_MS, 0)
    retention.merge_counters(slices, now)

    def rows() -> list[Any]:
        found = AttemptCounter.objects.order_by("minute", "outcome", "process")
        return list(found.values_list("minute", "outcome", "process", "count", "detailed"))

    expected = [
        (hour, "created", 0, 60, 24),
        (hour, "rate_limited", 0, 10, 4),
        (hour + HOUR_MS, "created", 0, 10, 4),
        (fresh, "created", 1, 10, 4),
        (fresh, "created", 2, 10, 4),
    ]
    assert rows() == expected
    retention.merge_counters(slices, now)
    assert rows() == expected
    # A process that was cut off for long counts what it still had: the hour takes it up.
    count(hour, 3)
    retention.merge_counters(slices, now)
    assert rows()[0] == (hour, "created", 0, 70, 28)


# Partitions


@on_postgres
def test_the_coming_months_are_made_and_old_ones_dropped() -> None:
    old = datetime.date(2020, 1, 1)
    with connection.cursor() as cursor:
        for table in partitioning.TABLES:
            assert f"{table}_2020_01" in partitioning.make_months(cursor, table, old)
    start = int(datetime.datetime(2020, 1, 15, tzinfo=datetime.UTC).timestamp() * 1000)
    waiting = add_event(start)
    retention.make_partitions()
    assert months("hit", "2020") == []
    assert months("attempt", "2020") == []
    assert months("event", "2020") == ["event_2020_01"]
    assert len(months("hit", "20")) == partitioning.MONTHS_AHEAD + 1
    waiting.dispatched_at = start
    waiting.save()
    retention.make_partitions()
    assert months("event", "2020") == []


@on_postgres
def test_a_month_that_others_are_using_is_left_for_later() -> None:
    import psycopg

    with connection.cursor() as cursor:
        partitioning.make_months(cursor, "hit", datetime.date(2020, 1, 1))
    with psycopg.connect(connection_url()) as other:
        other.execute("SELECT count(*) FROM hit")
        retention.make_partitions()
        assert months("hit", "2020") != []
    retention.make_partitions()
    assert months("hit", "2020") == []


def months(table: str, prefix: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname LIKE %s AND relkind = 'r'", [f"{table}_{prefix}%"])
        return sorted(row[0] for row in cursor.fetchall())


# Slices and the loop


def test_slices_grow_while_they_are_quick_and_stop_when_nothing_is_left() -> None:
    sizes: list[int] = []

    def step(size: int) -> int:
        sizes.append(size)
        return size if len(sizes) < 6 else 0

    assert Slices(threading.Event(), clock=lambda: 0.0).work(step) == sum(sizes[:-1])
    assert sizes == [100, 200, 400, 800, 1_000, 1_000]


def test_slices_shrink_when_they_take_too_long() -> None:
    sizes: list[int] = []

    def step(size: int) -> int:
        sizes.append(size)
        return size if len(sizes) < 4 else 0

    Slices(threading.Event(), clock=itertools.count(step=0.06).__next__).work(step)
    assert sizes == [100, 50, 25, 12]


def test_slices_end_when_told_to_stop() -> None:
    stop = threading.Event()

    def step(size: int) -> int:
        stop.set()
        return size

    assert Slices(stop).work(step) == 100


def test_a_job_that_fails_does_not_keep_the_others_from_work(tmp_path: Path) -> None:
    worker = Worker(settings.load({"STAGEWISE_DATA_DIR": str(tmp_path)}))
    done: list[str] = []

    def fail() -> int:
        done.append("failed")
        raise RuntimeError("no")

    worker.jobs = [Job("bad", 0, fail), Job("good", 0, lambda: len(done))]
    for _ in range(3):
        worker.turn()
    assert done == ["failed"]  # it comes again in a minute, not at once
    answer = health.Health(worker_settings(tmp_path), worker._registry).answer("/metrics", local=True)
    assert answer is not None
    assert b'stagewise_worker_errors_total{job="bad"} 1.0' in answer.body
    assert b'stagewise_worker_rows_total{job="good"} 3.0' in answer.body


def worker_settings(tmp_path: Path) -> settings.Settings:
    return settings.load({"STAGEWISE_DATA_DIR": str(tmp_path)})
