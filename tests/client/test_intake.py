"""Both clients against Stagewise itself, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from stagewise_client import Created, Flushed, Held, Spooled, errors

from stagewise.core.refusal import REFUSALS
from tests.client.conftest import LEAD, MakeClient
from tests.support import installation as installations
from tests.support.installation import Server
from tests.support.processes import free_port

OPEN: dict[str, Any] = {
    "enabled": True, "allow_all_ips": False, "allowed_ips": ["127.0.0.1"], "allowed_origins": [],
    "max_leads_per_ip": None, "forwarding": False, "server_ceiling": 2000, "holding": {},
}  # fmt: skip
Rules = Callable[..., None]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One intake on each database for all tests of this module."""
    made = installations.make(tmp_path_factory.mktemp("client") / "data", request.param)
    yield made.intake()
    installations.remove(made)


@pytest.fixture
def lane(shared: Server) -> Server:
    """The intake, without leads."""
    for table in ("lead", "hit", "attempt", "event", "bound_key"):
        shared.installation.sql(f"DELETE FROM {table}")
    shared.installation.save_rules(**OPEN)
    return shared


@pytest.fixture
def rules(lane: Server) -> Rules:
    """Change rules of the endpoint."""
    return lambda **changed: lane.installation.save_rules(**{**OPEN, **changed})


@pytest.fixture
def url(lane: Server) -> str:
    return f"http://127.0.0.1:{lane.port}/public/v1/leads/{lane.installation.key}"


def leads(lane: Server) -> int:
    return lane.installation.count("lead")


def test_a_lead_is_created_with_all_that_belongs_to_it(lane: Server, url: str, make_client: MakeClient) -> None:
    client = make_client(url)
    lead = client.create_lead(
        *LEAD, "a\r\nb", "sales", attribution={"utm_source": "news", "page_url": "https://example.com/contact"}
    )
    assert isinstance(lead, Created)
    assert (lead.name, lead.message, lead.lead_type, lead.phone_e164) == (
        "Ada Lovelace", "a\nb", "Sales", "+442079460018",
    )  # fmt: skip
    assert (lead.test, lead.duplicate, lead.replayed, lead.limit) == (False, False, False, None)
    assert lead.created_at.utcoffset() == timedelta()
    assert lead.request_id
    assert leads(lane) == 1


def test_the_same_key_gives_the_same_lead(lane: Server, url: str, make_client: MakeClient) -> None:
    client = make_client(url)
    first, second = (client.create_lead(*LEAD, idempotency_key="form 17") for _ in range(2))
    assert (first.replayed, second.replayed, second.id) == (False, True, first.id)
    with pytest.raises(errors.IdempotencyMismatch):
        client.create_lead("Grace Hopper", *LEAD[1:], idempotency_key="form 17")
    assert leads(lane) == 1


def test_the_same_lead_with_another_key_is_a_duplicate(lane: Server, url: str, make_client: MakeClient) -> None:
    client = make_client(url)
    first, second = (client.create_lead(*LEAD) for _ in range(2))
    assert (first.duplicate, second.duplicate, second.id) == (False, True, first.id)
    assert leads(lane) == 1


def test_a_suspicious_lead_is_held(lane: Server, url: str, make_client: MakeClient, rules: Rules) -> None:
    rules(holding={"honeypot": True})
    client = make_client(url)
    assert isinstance(client.create_lead(*LEAD, gotcha="buy now", elapsed_ms=10), Held)
    assert isinstance(client.create_lead("Grace Hopper", *LEAD[1:], gotcha="", elapsed_ms=9000), Created)


def test_wrong_fields_are_refused_by_name(url: str, make_client: MakeClient) -> None:
    with pytest.raises(errors.MissingFields) as caught:
        make_client(url).create_lead("", "call me", "nowhere")
    assert [(each.field, each.code) for each in caught.value.field_errors] == [
        ("name", "blank"), ("phone", "invalid_phone"), ("email", "invalid_email"),
    ]  # fmt: skip
    assert caught.value.title == "Missing fields"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"allowed_ips": ["10.0.0.1"]}, errors.IpNotAllowed),
        ({"enabled": False}, errors.EndpointDisabled),
        ({"allow_all_ips": True, "allowed_ips": [], "allowed_origins": ["https://a.example"]}, errors.OriginRequired),
    ],
)
def test_a_caller_who_may_not_call_is_told_why(
    url: str, make_client: MakeClient, rules: Rules, changed: dict[str, Any], error: type[errors.Refused]
) -> None:
    rules(**changed)
    with pytest.raises(error) as caught:
        make_client(url).create_lead(*LEAD)
    assert caught.value.request_id


def test_another_key_is_not_found(url: str, make_client: MakeClient) -> None:
    with pytest.raises(errors.NotFound):
        make_client(url[:-4] + "AAAA").create_lead(*LEAD)


def test_the_limit_counts_visitors_where_forwarding_is_on(url: str, make_client: MakeClient, rules: Rules) -> None:
    rules(max_leads_per_ip=1, forwarding=True)
    client = make_client(url)
    first = client.create_lead(*LEAD, visitor_ip="203.0.113.7")
    assert first.limit is not None
    assert (first.limit.policy, first.limit.quota, first.limit.remaining) == ("leads-per-ip", 1, 0)
    with pytest.raises(errors.RateLimited) as caught:
        client.create_lead(*LEAD, "again", visitor_ip="203.0.113.7")
    assert caught.value.retry_after is not None
    assert 86_000 < caught.value.retry_after <= 86_400
    assert isinstance(client.create_lead(*LEAD, "me too", visitor_ip="203.0.113.8"), Created)


def test_the_server_has_a_ceiling_of_its_own(url: str, make_client: MakeClient, rules: Rules) -> None:
    rules(forwarding=True, server_ceiling=1)
    client = make_client(url)
    client.create_lead(*LEAD, visitor_ip="203.0.113.7")
    with pytest.raises(errors.RateLimited) as caught:
        client.create_lead(*LEAD, "me too", visitor_ip="203.0.113.8")
    assert caught.value.limit is not None
    assert caught.value.limit.policy == "leads-per-server"


def test_a_test_lead_is_marked_as_one(url: str, make_client: MakeClient) -> None:
    assert make_client(url, test=True).create_lead(*LEAD).test


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_can_be_tried_out(lane: Server, url: str, make_client: MakeClient, code: str) -> None:
    with pytest.raises(errors.BY_CODE[code]) as caught:
        make_client(url, retries=0).create_lead(*LEAD, test=code)
    assert caught.value.status == REFUSALS[code].status
    assert leads(lane) == 0


def test_good_answers_can_be_tried_out_too(url: str, make_client: MakeClient) -> None:
    client = make_client(url)
    assert isinstance(client.create_lead(*LEAD, test="held"), Held)
    assert client.create_lead(*LEAD, test="duplicate").duplicate
    with pytest.raises(errors.InvalidRequest):
        client.create_lead(*LEAD, test="no_such_answer")


def test_what_is_spooled_while_stagewise_is_away_arrives_later_once(
    lane: Server, url: str, make_client: MakeClient, tmp_path: Path, no_backoff: None
) -> None:
    away = make_client(f"http://127.0.0.1:{free_port()}{url[url.index('/public') :]}", spool=tmp_path / "spool")
    for number in range(3):
        assert isinstance(away.create_lead(*LEAD, f"number {number}"), Spooled)
    assert isinstance(away.create_lead("", *LEAD[1:]), Spooled)
    away.spool.readdress(url)
    back = make_client(url, spool=tmp_path / "spool")
    assert back.flush() == Flushed(sent=3, refused=1)
    assert [each.code for each in back.spool.refused()] == ["missing_fields"]
    assert leads(lane) == 3


def test_a_lead_whose_answer_was_lost_is_there_once(
    lane: Server, url: str, make_client: MakeClient, tmp_path: Path, no_backoff: None
) -> None:
    client = make_client(url, spool=tmp_path / "spool", retries=0)
    client.create_lead(*LEAD, idempotency_key="form 17")
    # As if the process had died before it read the answer.
    assert isinstance(client.create_lead(*LEAD, idempotency_key="form 18", test="outcome_unknown"), Spooled)
    assert client.spool.file is not None
    with client.spool.file.writing() as connection:
        connection.execute("UPDATE lead SET key = 'form 17', test = NULL")
    with time_machine.travel(timedelta(minutes=10)):
        assert client.flush() == Flushed(sent=1)
    assert leads(lane) == 1
