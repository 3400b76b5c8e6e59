from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads import queries
from stagewise.leads.models import LeadType, LeadTypeAlias, UnmatchedName
from tests.console.pages import Page, read, send
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/lead-types/"


@pytest.fixture
def adam(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.adam)


def names(cast: Cast) -> list[str]:
    return [each.name for each in queries.lead_types(cast.acme.workspace, archived=False)]


def test_the_first_type_says_that_it_is_the_default(adam: Client) -> None:
    page = read(adam, "/w/acme/lead-types/")
    assert "General Default" in page.text
    assert page.text.count(" Default ") == 1


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


def test_a_name_that_came_is_offered_as_a_lead_type_or_as_another_name_of_one(cast: Cast, adam: Client) -> None:
    for name in ("Wholesale", "Enquiry", "Noise"):
        UnmatchedName.objects.create(
            workspace_id=cast.acme.workspace.pk, name=name, name_key=name.lower(), count=12, last_at=1
        )
    page = read(adam, PAGE)
    assert "Wholesale came 12 times" in page.text
    send(adam, f"{PAGE}add/", name="Wholesale")
    page = send(adam, f"{PAGE}{cast.acme.types[1].pk}/aliases/add/", name="Enquiry")
    assert "Calls that name “Enquiry” make leads of the type “Sales” now." in page.text
    assert "Undo" in page.text
    page = send(adam, f"{PAGE}unmatched/dismiss/", key="noise")
    assert "Names that came" not in page.text
    assert names(cast) == ["General", "Sales", "Support", "Wholesale"]
    alias = LeadTypeAlias.objects.get()
    assert "Calls that name “Enquiry” are refused now." in send(adam, f"{PAGE}aliases/{alias.pk}/remove/").text
    assert not LeadTypeAlias.objects.exists()


def test_another_name_that_is_taken_stays_in_its_field_with_the_reason(cast: Cast, adam: Client) -> None:
    pk = cast.acme.types[0].pk
    page = send(adam, f"{PAGE}{pk}/aliases/add/", name="Support")
    assert_kept(page, f"alias-{pk}", "Support", "“Support” is the name of a lead type already.")


def test_types_and_stages_have_colours(cast: Cast, adam: Client) -> None:
    general = cast.acme.types[0]
    stage = general.stages.get(name="Won")
    send(adam, f"{PAGE}{general.pk}/paint/", hue="5")
    send(adam, f"/w/acme/stages/{stage.pk}/paint/", hue="7")
    assert "Choose one of the colours." in send(adam, f"{PAGE}{general.pk}/paint/", hue="8").text
    page = read(adam, PAGE)
    assert 'class="dot hue-5" id="heading-' in page.html
    stage.refresh_from_db()
    assert stage.hue == 7
    send(adam, f"/w/acme/stages/{stage.pk}/paint/", hue="")
    stage.refresh_from_db()
    assert stage.hue is None


def test_who_archives_says_what_becomes_of_the_leads(cast: Cast, adam: Client) -> None:
    general, sales = cast.acme.types[:2]
    page = read(adam, PAGE)
    assert "What becomes of the 1 lead that is there?" in page.text
    assert "They become Sales" in page.text
    new, contacted = general.stages.get(name="New"), general.stages.get(name="Contacted")
    page = send(adam, f"/w/acme/stages/{new.pk}/archive/", to=contacted.pk)
    assert "The stage “New” is archived. 1 lead was moved." in page.text
    page = send(adam, f"{PAGE}{general.pk}/archive/", to=sales.pk)
    assert "“General” is archived. Calls that name it are refused now. 1 lead was moved." in page.text
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.lead_type == sales
    other = sales.stages.get(name="Contacted")
    assert "of the same lead type" in send(adam, f"/w/acme/stages/{other.pk}/archive/", to=contacted.pk).text


def test_leads_that_stay_keep_their_archived_stage(cast: Cast, adam: Client) -> None:
    general = cast.acme.types[0]
    send(adam, f"/w/acme/stages/{general.stages.get(name='New').pk}/archive/")
    assert "Archived stages New 1 lead stands in it" in read(adam, PAGE).text
