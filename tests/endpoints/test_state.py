"""How each endpoint is doing, in words."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stagewise.accounts.clock import now_ms
from stagewise.endpoints.actions import RuleChanges, add_endpoint, save_rules
from stagewise.endpoints.models import AttemptCounter
from stagewise.endpoints.state import EndpointState, states
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

MINUTE, HOUR = 60_000, 3_600_000


def counted(cast: Cast, outcome: str, ago: int = 0, count: int = 1) -> None:
    minute = (now_ms() - ago) // MINUTE * MINUTE
    acme = cast.acme
    AttemptCounter.objects.create(
        workspace_id=acme.workspace.pk, endpoint_id=acme.endpoint.pk, minute=minute, outcome=outcome, process=1,
        count=count, detailed=count,
    )  # fmt: skip


def state_of(cast: Cast) -> EndpointState:
    found = states(cast.acme.workspace)
    assert [each.endpoint for each in found] == [cast.acme.endpoint]
    return found[0]


def opened(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"]))


def test_an_empty_list_is_said_to_refuse_everything(cast: Cast) -> None:
    state = state_of(cast)
    assert (state.code, state.ok, state.words) == ("nobody", False, "refusing everything: the IP list is empty")


def test_a_hosted_form_lets_people_in_without_a_list(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(form={"enabled": True}))
    assert state_of(cast).ok


def test_an_endpoint_that_is_off_says_so_before_all_else(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(enabled=False))
    counted(cast, "created")
    assert state_of(cast).words == "switched off: every call is refused"


def test_before_the_first_lead_it_waits(cast: Cast) -> None:
    opened(cast)
    counted(cast, "test_created")
    state = state_of(cast)
    assert (state.ok, state.words, state.last_lead_at) == (True, "waiting for its first lead", None)


@pytest.mark.parametrize(
    ("ago", "words"),
    [(0, "just now"), (12 * MINUTE, "12 minutes ago"), (25 * HOUR, "1 day ago"), (400 * 24 * HOUR, "1 year ago")],
)
def test_the_last_lead_is_told_in_the_largest_unit(cast: Cast, ago: int, words: str) -> None:
    opened(cast)
    counted(cast, "created", ago)
    counted(cast, "created", ago + 5 * MINUTE)
    state = state_of(cast)
    assert (state.code, state.ok, state.words) == ("taking", True, f"last lead {words}")
    assert state.last_lead_at is not None
    assert 0 <= now_ms() - ago - state.last_lead_at < 2 * MINUTE


def test_a_day_of_nothing_but_refusals_is_trouble_and_says_why(cast: Cast) -> None:
    opened(cast)
    counted(cast, "created", 30 * HOUR)
    counted(cast, "ip_not_allowed", HOUR, count=1_200)
    counted(cast, "missing_fields", 2 * HOUR, count=30)
    counted(cast, "test", 2 * HOUR, count=30)
    state = state_of(cast)
    assert not state.ok
    assert state.words == "refused all 1,230 calls of the last 24 hours, most with “IP not allowed”"


def test_one_lead_among_many_refusals_is_no_trouble(cast: Cast) -> None:
    opened(cast)
    counted(cast, "ip_not_allowed", HOUR, count=1_200)
    counted(cast, "created", 2 * HOUR)
    assert state_of(cast).words == "last lead 2 hours ago"


def test_two_refusals_of_passers_by_are_no_trouble(cast: Cast) -> None:
    opened(cast)
    counted(cast, "ip_not_allowed", HOUR, count=2)
    assert state_of(cast).ok


def test_the_number_of_queries_does_not_grow_with_the_endpoints(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as few:
        states(cast.acme.workspace)
    for number in range(5):
        add_endpoint(cast.acme.workspace, f"Shop {number}")
    with CaptureQueriesContext(connection) as many:
        assert len(states(cast.acme.workspace)) == 6
    assert len(many) == len(few)


def test_endpoints_next_door_are_not_told_of(cast: Cast) -> None:
    assert [each.endpoint.workspace_id for each in states(cast.next_door.workspace)] == [cast.next_door.workspace.pk]
