from __future__ import annotations

import re
import time

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry
from stagewise.endpoints import actions, queries
from stagewise.endpoints.models import Endpoint, EndpointKey
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

HOUR_MS = 3_600_000


def test_a_new_endpoint_refuses_everybody_and_has_one_random_key(cast: Cast) -> None:
    added = actions.add_endpoint(cast.acme.workspace, "Shop")
    shown = queries.as_dict(added)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", shown["key"])
    assert shown == {
        "name": "Shop",
        "key": shown["key"],
        "url": f"http://127.0.0.1:8000/public/v1/leads/{shown['key']}",
        "enabled": True,
        "allow_all_ips": False,
        "allowed_ips": [],
        "allowed_origins": [],
        "max_leads_per_ip": 10,
        "forwarding": False,
        "server_ceiling": 2000,
        "over_limit": "refuse",
        "captcha": {
            "provider": "",
            "site_key": "",
            "min_score": 0.5,
            "hostnames": [],
            "action": "",
            "if_failed": "refuse",
            "if_down": "refuse",
            "secret_set": False,
        },
        "holding": {
            "honeypot": False,
            "min_seconds": None,
            "max_links": None,
            "repeated": None,
            "words": [],
            "domains": [],
        },
        "form": {
            "enabled": False,
            "title": "",
            "intro": "",
            "button": "",
            "thanks": "",
            "ask_lead_type": False,
            "next_url": "",
        },
    }


def test_adding_an_endpoint_that_is_there_changes_nothing(cast: Cast) -> None:
    assert actions.add_endpoint(cast.acme.workspace, " My website ").pk == cast.acme.endpoint.pk
    assert actions.add_endpoint(cast.next_door.workspace, "My website").pk == cast.next_door.endpoint.pk


@pytest.mark.parametrize("name", ["", "\u3164", "a\x07b", "x" * 101])
def test_an_endpoint_needs_a_name(cast: Cast, name: str) -> None:
    with pytest.raises(ActionError):
        actions.add_endpoint(cast.acme.workspace, name)


def retirements(endpoint: Endpoint) -> list[int | None]:
    return list(EndpointKey.objects.filter(endpoint=endpoint).order_by("id").values_list("retires_at", flat=True))


def test_a_rotated_key_works_until_its_overlap_ends(cast: Cast) -> None:
    old = queries.key_of(cast.acme.endpoint)
    before = time.time_ns() // 1_000_000
    new = actions.rotate_key(cast.acme.endpoint, 24, "olga@example.com")
    assert new == queries.key_of(cast.acme.endpoint) != old
    [retires, current] = retirements(cast.acme.endpoint)
    assert current is None
    assert retires is not None
    assert 0 <= retires - before - 24 * HOUR_MS < 60_000
    [key] = queries.retiring_keys(cast.acme.endpoint, retires - 1)
    assert key.key == old
    assert not queries.retiring_keys(cast.acme.endpoint, retires)


def test_an_overlap_of_nothing_retires_all_older_keys_now(cast: Cast) -> None:
    actions.rotate_key(cast.acme.endpoint, 24)
    actions.rotate_key(cast.acme.endpoint, 0)
    now = time.time_ns() // 1_000_000
    [first, second, current] = retirements(cast.acme.endpoint)
    assert first is not None
    assert second is not None
    assert first <= now
    assert second <= now
    assert current is None


def test_a_second_rotation_never_prolongs_the_first_key(cast: Cast) -> None:
    actions.rotate_key(cast.acme.endpoint, 1)
    [first, _] = retirements(cast.acme.endpoint)
    actions.rotate_key(cast.acme.endpoint, 24)
    assert retirements(cast.acme.endpoint)[0] == first


@pytest.mark.parametrize("hours", [-1, 721, float("inf"), float("nan")])
def test_an_overlap_beyond_reason_is_refused(cast: Cast, hours: float) -> None:
    with pytest.raises(ActionError):
        actions.rotate_key(cast.acme.endpoint, hours)
    assert len(retirements(cast.acme.endpoint)) == 1


def test_the_audit_says_that_a_key_was_rotated_but_not_which(cast: Cast) -> None:
    new = actions.rotate_key(cast.acme.endpoint, 0.5, "olga@example.com")
    entry = AuditEntry.objects.get(action="endpoint.key_rotated")
    assert entry.changes == {"overlap_hours": [None, 0.5]}
    assert new not in str(entry.__dict__)
