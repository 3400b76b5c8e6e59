"""The rule that learns how long a silence usually is: quiet about what it has seen, loud about what it has not."""

from __future__ import annotations

import datetime
import random
import zoneinfo
from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stagewise.notify.alerts.detect_silence import (
    DAY_MS,
    FACTOR,
    HOUR_MS,
    LEAST_MS,
    MINUTE_MS,
    WEEKS,
    Row,
    Usual,
    learn,
    too_long,
)
from stagewise.notify.alerts.rules import AlertRules

UTC = zoneinfo.ZoneInfo("UTC")
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
#: A Monday, 0:00 UTC, eight weeks of which lie in summer and in winter time.
MONDAY = int(datetime.datetime(2026, 9, 28, tzinfo=datetime.UTC).timestamp() * 1000)
ONLY_LEARNED = AlertRules(no_lead_hours=None)


def office(weeks: int = WEEKS, a_day: int = 8, seed: int = 1) -> list[Row]:
    """Leads at random minutes of office hours, nobody at night and on weekends."""
    chance = random.Random(seed)
    minutes = {
        MONDAY + day * DAY_MS + chance.randrange(8 * 60, 18 * 60) * MINUTE_MS
        for day in range(weeks * 7)
        for _ in range(a_day)
        if day % 7 < 5
    }
    return [Row(minute, MINUTE_MS, 1) for minute in sorted(minutes)]


def by_the_hour(rows: list[Row], until: int) -> list[Row]:
    """The rows as the worker leaves them: those before ``until`` merged into hours."""
    hours: dict[int, int] = {}
    for row in rows:
        if row.start < until:
            hour = row.start - row.start % HOUR_MS
            hours[hour] = hours.get(hour, 0) + row.leads
    return [Row(hour, HOUR_MS, count) for hour, count in hours.items()] + [row for row in rows if row.start >= until]


def learned(rows: list[Row], zone: zoneinfo.ZoneInfo = UTC) -> Usual:
    usual = learn(rows, zone)
    assert usual is not None
    return usual


def alarms(rows: list[Row], usual: Usual) -> list[int]:
    """Moments of the history at which the rule would have raised an alert, looking at the end of each silence."""
    return [b.start for a, b in pairwise(rows) if too_long(ONLY_LEARNED, usual, a.end, b.start + MINUTE_MS)]


def first_alarm(usual: Usual, last: int, within_ms: int, step: int = 5 * MINUTE_MS) -> int | None:
    moments = range(last, last + within_ms, step)
    return next((now for now in moments if too_long(ONLY_LEARNED, usual, last, now)), None)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Weeks of leads of any pattern: some hours of the week busy, most of them not, with pauses of days."""
    weeks = draw(st.integers(2, WEEKS))
    busy = draw(st.lists(st.integers(0, 167), min_size=1, max_size=30, unique=True))
    chance = random.Random(draw(st.integers(0, 2**32)))
    often = draw(st.floats(0.2, 1))
    most = draw(st.integers(1, 40))
    rows: dict[int, int] = {}
    for week in range(weeks + 1):
        for hour in busy:
            if chance.random() < often:
                for _ in range(chance.randint(1, most)):
                    minute = MONDAY + (week * 168 + hour) * HOUR_MS + chance.randrange(60) * MINUTE_MS
                    rows[minute] = rows.get(minute, 0) + 1
    return [Row(minute, MINUTE_MS, count) for minute, count in sorted(rows.items())]


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from([UTC, BERLIN, zoneinfo.ZoneInfo("Asia/Kolkata")]), st.floats(0, 1))
def test_it_never_raises_on_the_history_that_it_learned_from(
    rows: list[Row], zone: zoneinfo.ZoneInfo, merged: float
) -> None:
    if rows:
        rows = by_the_hour(rows, round(rows[0].start + merged * (rows[-1].end - rows[0].start)))
    usual = learn(rows, zone)
    assume(usual is not None)
    assert usual is not None
    assert alarms(rows, usual) == []


@settings(max_examples=60, deadline=None)
@given(histories(), st.sampled_from([UTC, BERLIN]))
def test_it_raises_after_a_real_silence(rows: list[Row], zone: zoneinfo.ZoneInfo) -> None:
    usual = learn(rows, zone)
    assume(usual is not None)
    assert usual is not None
    # A silence is real when it would have brought, at the usual pace, as many leads as the bar says; a week that has
    # leads at all reaches it in the end.
    weekly = usual.weight(MONDAY, MONDAY + 7 * DAY_MS)
    enough = int(usual.bar / weekly + 2) * 7 * DAY_MS
    assert too_long(ONLY_LEARNED, usual, rows[-1].end, rows[-1].end + enough) is not None


def test_replaying_a_history_finds_a_silence_that_was_not_in_what_was_learned() -> None:
    rows = office()
    with_an_outage = [row for row in rows if not 21 * DAY_MS <= row.start - MONDAY < 26 * DAY_MS]
    assert len(alarms(with_an_outage, learned(rows))) == 1
    assert alarms(with_an_outage, learned(with_an_outage)) == []


def test_an_office_is_not_missed_at_night_or_on_the_weekend_but_on_monday() -> None:
    rows = office()
    last = next(row for row in reversed(rows) if row.start < MONDAY + (7 * (WEEKS - 1) + 5) * DAY_MS)
    raised = first_alarm(learned(rows), last.end, 7 * DAY_MS)
    assert raised is not None
    moment = datetime.datetime.fromtimestamp(raised / 1000, datetime.UTC)
    assert (moment.strftime("%A"), 8 <= moment.hour < 18) in {("Monday", True), ("Tuesday", True)}


def test_a_busy_endpoint_is_missed_within_the_hour_by_day_and_later_by_night() -> None:
    chance = random.Random(3)
    rows = [
        Row(MONDAY + minute * MINUTE_MS, MINUTE_MS, 1 + chance.randrange(3))
        for minute in range(21 * 24 * 60)
        if chance.random() < (0.9 if 7 <= minute // 60 % 24 < 22 else 0.1)
    ]
    usual = learned(rows)
    day, night = MONDAY + 22 * DAY_MS + 12 * HOUR_MS, MONDAY + 22 * DAY_MS
    by_day, by_night = first_alarm(usual, day, DAY_MS), first_alarm(usual, night, DAY_MS)
    assert by_day is not None
    assert by_night is not None
    assert LEAST_MS <= by_day - day <= HOUR_MS
    assert by_night - night > by_day - day


def test_two_weeks_and_twenty_leads_are_needed_before_anything_is_usual() -> None:
    assert learn([], UTC) is None
    assert learn(office(weeks=1), UTC) is None
    assert learn(office()[:: len(office()) // 10], UTC) is None
    assert learn(office(weeks=3), UTC) is not None


def test_an_outage_that_was_noticed_does_not_become_usual() -> None:
    rows = office()
    start, end = MONDAY + 21 * DAY_MS, MONDAY + 28 * DAY_MS
    kept = [row for row in rows if not start <= row.start < end]
    before = next(row.end for row in reversed(kept) if row.start < start)
    after = next(row.end for row in kept if row.start >= end)
    naive, aware = learn(kept, UTC), learn(kept, UTC, [(before, after)])
    assert naive is not None
    assert aware is not None
    assert aware.longest < naive.longest
    # What comes again and again is how this endpoint is.
    assert learn(kept, UTC, [(before, after)] * 3) == naive


def test_the_hours_are_those_of_the_workspace_also_when_the_clocks_change() -> None:
    rows = [
        Row(int(datetime.datetime(2026, 10, day, 9, 30, tzinfo=BERLIN).timestamp() * 1000), MINUTE_MS, 2)
        for day in range(1, 32)
    ]
    usual = learned(rows, BERLIN)
    hours = {slot % 24 for slot, rate in enumerate(usual.rates) if rate}
    assert hours == {9}


def test_the_plain_rule_counts_hours_since_the_last_lead() -> None:
    rules = AlertRules(usual_silence=False, no_lead_hours=24)
    assert too_long(rules, None, MONDAY, MONDAY + 24 * HOUR_MS - 1) is None
    assert too_long(rules, None, MONDAY, MONDAY + 24 * HOUR_MS) == {
        "rule": "hours",
        "last_lead_at": MONDAY,
        "hours": 24,
    }
    assert too_long(rules, None, None, MONDAY) is None
    assert too_long(AlertRules(usual_silence=False, no_lead_hours=None), None, MONDAY, MONDAY + 999 * DAY_MS) is None


def test_a_silence_must_be_clearly_longer_than_the_longest_one() -> None:
    usual = learned(office())
    assert usual.bar >= FACTOR * usual.longest
