from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads import queries
from stagewise.leads.models import LeadType
from tests.console.pages import Page, read, send
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def names(cast: Cast) -> list[str]:
    return [each.name for each in queries.lead_types(cast.acme.workspace, archived=False)]


def test_the_first_type_says_that_it_is_the_default(adam: Client) -> None:
    page = read(adam, "/w/acme/lead-types/")
    assert "General Default: for leads that name no type" in page.text
    assert page.text.count("Default: for leads that name no type") == 1


def test_types_are_added_renamed_ordered_archived_and_restored(cast: Cast, adam: Client) -> None:
    general, sales = cast.acme.types[:2]
    send(adam, "/w/acme/lead-types/add/", name="Repairs")
    send(adam, f"/w/acme/lead-types/{sales.pk}/rename/", name="Selling")
    send(adam, f"/w/acme/lead-types/{sales.pk}/move/", to="0")
    assert names(cast) == ["Selling", "General", "Support", "Repairs"]
    page = send(adam, f"/w/acme/lead-types/{general.pk}/archive/")
    assert "“General” is archived." in page.text
    assert "Undo" in page.text
    assert names(cast) == ["Selling", "Support", "Repairs"]
    send(adam, f"/w/acme/lead-types/{general.pk}/restore/")
    assert names(cast) == ["Selling", "Support", "Repairs", "General"]


def test_stages_are_added_renamed_ordered_archived_and_restored(cast: Cast, adam: Client) -> None:
    sales = cast.acme.types[1]

    def stages() -> list[str]:
        return [stage.name for stage in sales.stages.filter(archived_at=None)]

    won = sales.stages.get(name="Won")
    send(adam, f"/w/acme/lead-types/{sales.pk}/stages/add/", name="Offer", kind="open")
    send(adam, f"/w/acme/stages/{won.pk}/rename/", name="Sold")
    send(adam, f"/w/acme/stages/{won.pk}/move/", to="5")
    assert stages() == ["New", "Contacted", "Qualified", "Offer", "Lost", "Sold"]
    page = send(adam, f"/w/acme/stages/{won.pk}/archive/")
    assert "Archived stages Sold" in page.text
    send(adam, f"/w/acme/stages/{won.pk}/restore/")
    assert stages()[-1] == "Sold"


def assert_kept(page: Page, field: str, typed: str, said: str) -> None:
    assert page.status == 422
    assert page.values[field] == typed
    assert said in page.text


def test_what_was_typed_stays_in_its_field_when_it_is_refused(cast: Cast, adam: Client) -> None:
    general, long = cast.acme.types[0], "x" * 101
    stage = general.stages.get(name="Contacted")
    assert_kept(send(adam, "/w/acme/lead-types/add/", name=long), "add", long, "at most 100")
    page = send(adam, f"/w/acme/lead-types/{general.pk}/rename/", name="sales")
    assert_kept(page, f"type-{general.pk}", "sales", "There is a lead type “sales” already.")
    page = send(adam, f"/w/acme/stages/{stage.pk}/rename/", name="WON")
    assert_kept(page, f"stage-{stage.pk}", "WON", "There is a stage “WON” already.")
    page = send(adam, f"/w/acme/lead-types/{general.pk}/stages/add/", name=" ", kind="open")
    assert_kept(page, f"add-{general.pk}", " ", "Give it a name.")


def test_the_last_type_is_kept_with_words(cast: Cast, adam: Client) -> None:
    for each in cast.acme.types[:2]:
        send(adam, f"/w/acme/lead-types/{each.pk}/archive/")
    page = send(adam, f"/w/acme/lead-types/{cast.acme.types[2].pk}/archive/")
    assert "last lead type in use. Add another one first." in page.text
    assert names(cast) == ["Support"]


def test_a_place_that_is_no_number_moves_to_the_front(cast: Cast, adam: Client) -> None:
    send(adam, f"/w/acme/lead-types/{cast.acme.types[2].pk}/move/", to="x")
    assert LeadType.objects.get(pk=cast.acme.types[2].pk).position == 0
