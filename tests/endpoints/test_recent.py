"""The newest calls of one endpoint, and the test checklist that is read from them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from stagewise.endpoints import checklist, recent
from stagewise.endpoints.actions import add_endpoint
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

NOW = 1_800_000_000_000


def test_only_the_calls_of_the_endpoint_come_newest_first(cast: Cast) -> None:
    shop = add_endpoint(cast.acme.workspace, "Shop")
    for number in range(3):
        attempt(cast.acme, "created", 201, at=NOW + number)
        attempt(cast.acme, "created", 201, at=NOW + 10, endpoint_id=shop.pk)
    found = recent.newest(cast.acme.endpoint, 2)
    assert [each.row.at - NOW for each in found] == [2, 1]
    assert found[0].id > found[1].id


def test_what_is_newer_is_known_without_reading_it(cast: Cast) -> None:
    last = attempt(cast.acme, "created", 201).pk
    assert recent.last_id(cast.acme.endpoint) == last
    assert not recent.has_newer(cast.acme.endpoint, last)
    attempt(cast.acme, "created", 201, endpoint_id=add_endpoint(cast.acme.workspace, "Shop").pk)
    assert not recent.has_newer(cast.acme.endpoint, last)
    attempt(cast.acme, "ip_not_allowed", 403)
    assert recent.has_newer(cast.acme.endpoint, last)


def test_behind_very_many_calls_of_others_no_search_is_made(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recent, "LOOKED_THROUGH", 3)
    first = attempt(cast.acme, "created", 201, user_agent="mark").pk
    shop = add_endpoint(cast.acme.workspace, "Shop")
    for _ in range(2):
        attempt(cast.acme, "created", 201, endpoint_id=shop.pk)
    assert len(recent.newest(cast.acme.endpoint)) == 1
    assert recent.by_program(cast.acme.endpoint, "mark", first - 1) is not None
    for _ in range(2):
        attempt(cast.acme, "created", 201, endpoint_id=shop.pk)
    assert recent.newest(cast.acme.endpoint) == []
    assert recent.by_program(cast.acme.endpoint, "mark", first - 1) is None


def test_a_call_is_found_by_its_program_and_by_its_request_id(cast: Cast) -> None:
    before = recent.last_id(cast.acme.endpoint)
    row = attempt(cast.acme, "ip_not_allowed", 403, user_agent="stagewise-find-abc", request_id="r1")
    found = recent.by_program(cast.acme.endpoint, "stagewise-find-abc", before)
    assert found is not None
    assert found.id == row.pk
    assert recent.by_program(cast.acme.endpoint, "stagewise-find-ab", before) is None
    assert recent.by_program(cast.acme.endpoint, "stagewise-find-abc", row.pk) is None
    assert recent.by_request(cast.acme.endpoint, "r1") == found
    assert recent.by_request(cast.next_door.endpoint, "r1") is None


def done(cast: Cast) -> dict[str, int]:
    return {each.item.code: each.seen.id for each in checklist.ticked(cast.acme.endpoint) if each.seen is not None}


CALLS: list[tuple[str, str, int, dict[str, Any]]] = [
    ("valid", "created", 201, {}),
    ("valid", "test_created", 201, {}),
    ("missing", "missing_fields", 422, {"field_errors": "name:required"}),
    ("email", "invalid_fields", 422, {"field_errors": "name:too_long,email:invalid_email"}),
    ("limit", "rate_limited", 429, {}),
    ("limit", "rate_limited", 429, {"note": "test"}),
    ("ip", "ip_not_allowed", 403, {}),
    ("cors", "origin_not_allowed", 403, {"preflight": True}),
    ("cors", "origin_required", 403, {}),
    ("errors", "unavailable", 503, {"note": "test"}),
    ("errors", "invalid_json", 400, {}),
]


@pytest.mark.parametrize(("item", "outcome", "status", "fields"), CALLS)
def test_an_item_ticks_itself_when_such_a_call_was_seen(
    cast: Cast, item: str, outcome: str, status: int, fields: dict[str, Any]
) -> None:
    assert done(cast) == {}
    attempt(cast.next_door, outcome, status, **fields)
    attempt(cast.acme, outcome, status, endpoint_id=0, **fields)
    assert done(cast) == {}
    attempt(cast.acme, outcome, status, **fields)
    newer = attempt(cast.acme, outcome, status, **fields)
    assert done(cast) == {item: newer.pk}


def test_a_wrong_phone_number_is_no_wrong_address(cast: Cast) -> None:
    attempt(cast.acme, "invalid_fields", 422, field_errors="phone:invalid_phone")
    assert done(cast) == {}


def test_an_empty_form_is_missing_fields_and_a_wrong_address_in_it_counts_too(cast: Cast) -> None:
    row = attempt(cast.acme, "missing_fields", 422, field_errors="name:required,email:invalid_email")
    assert done(cast) == {"missing": row.pk, "email": row.pk}


def test_the_items_are_the_guides_in_its_order(cast: Cast) -> None:
    assert [item.code for item in checklist.ITEMS] == ["valid", "missing", "email", "limit", "ip", "cors", "errors"]
    with CaptureQueriesContext(connection) as asked:
        assert len(checklist.ticked(cast.acme.endpoint)) == 7
    assert len(asked) == 1
