"""Whatever somebody asks for, the pages together hold the leads that are meant, each once, in order."""

from __future__ import annotations

import datetime

import pytest
from django.http import QueryDict
from django.utils.http import urlencode
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stagewise.leads import finding
from stagewise.leads.finding import Budget, Cursor, Filters
from stagewise.leads.finding import filters as words
from tests.leads.world import SEARCHES, World, build, expected
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(cast: Cast) -> World:
    return build(cast)


def walked(world: World, filters: Filters, size: int, window: int = 256) -> list[int]:
    """The leads of all pages, one page after the other; each cursor goes through its text."""
    found: list[int] = []
    before: Cursor | None = None
    for _ in range(200):
        budget = Budget(seconds=None, window=window)
        page = finding.find(world.place.workspace, filters, before, size, budget)
        assert len(page.leads) <= size
        found += [lead.pk for lead in page.leads]
        if page.following is None:
            return found
        before = finding.read(str(page.following), filters.sort)
        assert before == page.following
    raise AssertionError("it goes on for ever")


def anything(world: World) -> st.SearchStrategy[Filters]:
    """Filters, few of them at once, so that something is found."""
    stages = [stage.pk for kind in world.place.types for stage in kind.stages.all()]
    today = datetime.datetime.now(datetime.UTC).date()
    days = st.integers(0, 32).map(lambda age: today - datetime.timedelta(days=age))

    def mostly(nothing: object, others: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
        return st.integers(0, 3).flatmap(lambda chance: others if chance == 0 else st.just(nothing))

    return st.builds(
        Filters,
        search=mostly("", st.sampled_from(SEARCHES)),
        lead_type=mostly(None, st.sampled_from([kind.pk for kind in world.place.types])),
        stages=mostly((), st.lists(st.sampled_from(stages), max_size=6, unique=True).map(tuple)),
        kind=mostly("", st.sampled_from(words.KINDS)),
        owner=mostly("", st.sampled_from([*words.OWNERS, str(world.members[2].pk)])),
        endpoint=mostly(None, st.sampled_from([0, *world.endpoints])),
        since=mostly(None, days),
        until=mostly(None, days),
        period=mostly("", st.sampled_from(words.PERIODS)),
        tags=mostly((), st.lists(st.sampled_from([tag.pk for tag in world.tags]), max_size=2, unique=True).map(tuple)),
        again=mostly("", st.sampled_from(words.AGAIN)),
        test=mostly("", st.sampled_from(words.TESTS)),
        source=mostly("", st.sampled_from(["news", "search"])),
        campaign=mostly("", st.just("a")),
        fresh=mostly(False, st.just(True)),
        due=mostly("", st.sampled_from(words.DUES)),
        sort=st.sampled_from(words.SORTS),
        me=st.just(world.members[1].pk),
        zone=st.sampled_from(["", "Asia/Tokyo", "America/Los_Angeles"]),
    )


def test_all_pages_together_are_what_was_asked_for(world: World) -> None:
    @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters=anything(world), size=st.integers(4, 30), window=st.sampled_from([4, 9, 256]))
    def check(filters: Filters, size: int, window: int) -> None:
        meant = expected(world, filters)
        assert walked(world, filters, size, window) == meant
        counted = finding.count(world.place.workspace, filters, 5, Budget(None, window))
        assert counted == (min(len(meant), 5), len(meant) <= 5)
        query = QueryDict(urlencode(filters.to_query()))
        assert Filters.from_query(query).to_query() == filters.to_query()

    check()
