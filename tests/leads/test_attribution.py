"""Where leads came from on the web: read, chosen by, exported."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from stagewise.leads import finding, queries
from stagewise.leads.export import COLUMNS, csv_lines, that_match
from stagewise.leads.finding import Filters
from stagewise.leads.models import Lead, LeadAttribution
from tests.support.cast import Cast, Place, lead

pytestmark = pytest.mark.django_db

FORMULA = '=HYPERLINK("https://evil.example")'


def from_web(there: Place, name: str = "Ada", **known: Any) -> Lead:
    made = lead(there, name=name)
    LeadAttribution.objects.create(lead=made, workspace_id=there.workspace.pk, **known)
    return made


def names(cast: Cast, **chosen: Any) -> list[str]:
    return [each.name for each in finding.find(cast.acme.workspace, Filters(**chosen)).leads]


def test_leads_are_chosen_by_source_and_campaign(cast: Cast) -> None:
    from_web(cast.acme, "Ada", utm_source="news", utm_campaign="spring")
    from_web(cast.acme, "Bob", utm_source="news", utm_campaign="autumn")
    from_web(cast.next_door, "Eve", utm_source="news", utm_campaign="spring")
    assert names(cast, source="news") == ["Bob", "Ada"]
    assert names(cast, source="news", campaign="spring") == ["Ada"]
    assert names(cast, campaign="none") == []
    assert names(cast, source="new%") == []
    assert names(cast, source="\0") == []


def test_test_leads_are_left_out_or_shown_alone(cast: Cast) -> None:
    lead(cast.acme, name="Tess", test=True)
    assert names(cast) == ["Tess", "Grace Hopper"]
    assert names(cast, test="hide") == ["Grace Hopper"]
    assert names(cast, test="only") == ["Tess"]


def test_the_values_to_choose_from_are_those_of_the_workspace(cast: Cast) -> None:
    for source in ("b", "a", "b", None, "c"):
        from_web(cast.acme, utm_source=source)
    from_web(cast.next_door, utm_source="secret")
    assert queries.campaign_values(cast.acme.workspace, "utm_source") == ["a", "b", "c"]
    assert queries.campaign_values(cast.acme.workspace, "utm_campaign") == []
    for number in range(120):
        from_web(cast.acme, utm_campaign=f"campaign-{number:03}")
    assert len(queries.campaign_values(cast.acme.workspace, "utm_campaign")) == 100


def test_a_lead_is_printed_with_what_is_known_and_nothing_more(cast: Cast) -> None:
    made = from_web(cast.acme, page_url="https://a.example/", utm_source="news", click_ids={"gclid": "g"})
    Lead.objects.filter(pk=made.pk).update(forwarded_by="198.51.100.7")
    found = queries.as_dict(queries.get(cast.acme.workspace, made.public_id))
    assert found["attribution"] == {"page_url": "https://a.example/", "utm_source": "news", "gclid": "g"}
    assert found["forwarded_by"] == "198.51.100.7"
    plain = queries.as_dict(queries.get(cast.acme.workspace, cast.acme.lead.public_id))
    assert {"attribution", "forwarded_by"}.isdisjoint(plain)


def test_the_export_has_a_column_for_each_and_no_formulas(cast: Cast) -> None:
    made = from_web(
        cast.acme,
        utm_source=FORMULA,
        utm_campaign="@x",
        referrer="https://b.example/",
        click_ids={"gclid": "-1"},
    )
    Lead.objects.filter(pk=made.pk).update(forwarded_by="198.51.100.7", test=True)
    rows = list(csv.DictReader(io.StringIO("".join(csv_lines(that_match(cast.acme.workspace, Filters()))))))
    assert list(rows[0]) == list(COLUMNS)
    assert COLUMNS[:11] == (
        "id", "created_at", "name", "phone", "phone_e164", "email", "message", "lead_type", "stage", "endpoint", "test"
    )  # fmt: skip
    assert rows[0]["utm_source"] == f"'{FORMULA}"
    assert (rows[0]["utm_campaign"], rows[0]["gclid"]) == ("'@x", "'-1")
    assert (rows[0]["forwarded_by"], rows[0]["referrer"], rows[0]["test"]) == (
        "198.51.100.7",
        "https://b.example/",
        "yes",
    )
    assert (rows[1]["utm_source"], rows[1]["forwarded_by"], rows[1]["fbclid"]) == ("", "", "")


def test_an_export_asks_the_database_the_same_for_many_as_for_few(
    cast: Cast, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        from_web(cast.acme, utm_source=f"s{number}")
    with django_assert_max_num_queries(6):
        assert len(list(csv_lines(that_match(cast.acme.workspace, Filters())))) == 32
