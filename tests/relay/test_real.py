"""The relay in front of a real Stagewise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.relay.conftest import ADA, MakeRelay, said
from tests.support.installation import Installation, Server


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_endpoints_limit_counts_the_visitors_of_a_relay_that_speaks_for_them(
    installation: Installation, intake_server: Callable[..., Server], make_relay: MakeRelay
) -> None:
    installation.save_rules(forwarding=True, max_leads_per_ip=1)
    server = intake_server()
    url = f"http://127.0.0.1:{server.port}/public/v1/leads/{installation.key}"
    visit = make_relay(url=url, limit=None)
    fields = [ADA | {"message": f"number {number}"} for number in range(3)]
    assert visit.send(fields[0], peer="198.51.100.7").status == 201
    refused = visit.send(fields[1], peer="198.51.100.7")
    assert (refused.status, said(refused)["code"]) == (429, "rate_limited")
    assert visit.send(fields[2], peer="198.51.100.8").status == 201
    assert installation.count("lead") == 2


@pytest.mark.parametrize("engine", ["sqlite"])
def test_stagewise_itself_has_the_last_word_on_the_fields(
    installation: Installation, intake_server: Callable[..., Server], make_relay: MakeRelay
) -> None:
    server = intake_server()
    url = f"http://127.0.0.1:{server.port}/public/v1/leads/{installation.key}"
    answer = make_relay(url=url).send(ADA | {"phone": "call me maybe", "lead_type_name": "Sales"})
    assert (answer.status, said(answer)["code"]) == (422, "invalid_fields")
    assert [error["detail"] for error in said(answer)["errors"]] == ["This does not look like a phone number."]
    answer = make_relay(url=url).send(ADA | {"lead_type_name": "Complaints"})
    assert [error["detail"] for error in said(answer)["errors"]] == ["Please choose another subject."]
