from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from stagewise.accounts.models import Member, User
from stagewise.leads import board, working
from stagewise.leads.models import Lead, LeadActivity, Stage
from tests.console.pages import read, send
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
BOARD, MOVE = "/w/acme/board/", "/w/acme/board/move/"


@pytest.fixture
def agnes(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.agnes)


def stage(cast: Cast, name: str) -> Stage:
    return cast.acme.types[0].stages.get(name=name)


def placed(cast: Cast, name: str) -> str:
    return Lead.objects.select_related("stage").get(workspace=cast.acme.workspace, name=name).stage.name


def move(browser: Client, of: Lead, to: Stage, seen: int | None = None, reason: str = "") -> str:
    fields = {"lead": of.public_id, "stage": to.pk, "seen": seen or of.stage_id, "reason": reason}
    return send(browser, MOVE, **fields).text


def test_leads_stand_in_the_columns_of_their_stages(cast: Cast, agnes: Client) -> None:
    lead(cast.acme, name="Ada", stage=stage(cast, "Qualified"))
    lead(cast.acme, name="Somebody else's", lead_type=cast.acme.types[1])
    page = read(agnes, BOARD)
    assert "2 open in General" in page.text
    assert "Somebody else's" not in page.text
    columns = page.html.split('class="column')
    assert "Grace Hopper" in next(each for each in columns if "<bdi>New</bdi>" in each)
    assert "Ada" in next(each for each in columns if "<bdi>Qualified</bdi>" in each)
    other = read(agnes, f"{BOARD}?type={cast.acme.types[1].pk}")
    assert "Somebody else" in other.text
    assert "1 open in Sales" in other.text


def test_a_card_is_moved_and_undo_puts_it_back(cast: Cast, agnes: Client) -> None:
    assert "Grace Hopper: New → Contacted" in move(agnes, cast.acme.lead, stage(cast, "Contacted"))
    assert placed(cast, "Grace Hopper") == "Contacted"
    back = {"lead": cast.acme.lead.public_id, "stage": cast.acme.lead.stage_id, "seen": stage(cast, "Contacted").pk}
    send(agnes, MOVE, **back)
    assert placed(cast, "Grace Hopper") == "New"


def test_who_moves_a_card_that_somebody_moved_before_is_told_and_changes_nothing(cast: Cast, agnes: Client) -> None:
    seen = cast.acme.lead.stage_id
    working.set_stage(cast.acme.lead, stage(cast, "Qualified"), "olga@example.com")
    assert "olga@example.com moved it to “Qualified” in the meantime." in move(
        agnes, cast.acme.lead, stage(cast, "Contacted"), seen
    )
    assert placed(cast, "Grace Hopper") == "Qualified"


def test_the_reason_why_a_lead_was_won_stands_in_its_timeline(cast: Cast, agnes: Client) -> None:
    move(agnes, cast.acme.lead, stage(cast, "Won"), reason="They liked the price")
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.closed_reason == "They liked the price"
    line = LeadActivity.objects.get(lead=cast.acme.lead)
    assert (line.actor, line.data) == (
        "agnes@example.com",
        {"from": "New", "to": "Won", "reason": "They liked the price"},
    )


def test_a_reason_that_is_too_long_moves_nothing_and_says_so(cast: Cast, agnes: Client) -> None:
    assert "at most 500 characters" in move(agnes, cast.acme.lead, stage(cast, "Won"), reason="x" * 501)
    assert placed(cast, "Grace Hopper") == "New"


def test_a_card_is_not_moved_into_a_stage_of_another_type_or_workspace(cast: Cast, agnes: Client) -> None:
    other = cast.acme.types[1].stages.get(name="Won")
    assert "is no stage of this lead's type" in move(agnes, cast.acme.lead, other)
    strange = cast.next_door.types[0].stages.get(name="Won")
    answer = agnes.post(MOVE, {"lead": cast.acme.lead.public_id, "stage": strange.pk})
    assert answer.status_code == 404
    assert agnes.post(MOVE, {"lead": "x", "stage": strange.pk}).status_code == 404
    assert agnes.post(MOVE, {"lead": cast.next_door.lead.public_id, "stage": other.pk}).status_code == 404
    assert placed(cast, "Grace Hopper") == "New"


def test_one_looks_at_ones_own_leads_alone(cast: Cast, agnes: Client) -> None:
    lead(cast.acme, name="Mine", owner=Member.objects.get(user=cast.agnes))
    page = read(agnes, f"{BOARD}?owner=me")
    assert "Mine" in page.text
    assert "Grace Hopper" not in page.text


def test_a_viewer_looks_and_moves_nothing(cast: Cast, as_user: AsUser) -> None:
    page = read(as_user(cast.vera), BOARD)
    assert "Grace Hopper" in page.text
    assert "Move to" not in page.text


def test_a_column_shows_its_newest_cards_and_more_when_asked(cast: Cast, agnes: Client) -> None:
    for number in range(board.CARDS + 1):
        lead(cast.acme, name=f"Visitor {number:02}")
    page = read(agnes, BOARD)
    assert "Grace Hopper" not in page.text
    assert "Show more" in page.text
    more = read(agnes, f"{BOARD}?more={cast.acme.lead.stage_id}:{2 * board.CARDS}")
    assert "Grace Hopper" in more.text
    assert "Show more" not in more.text


def test_where_counting_ends_the_board_says_more_than(
    cast: Cast, agnes: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "COUNTED", 3)
    for number in range(4):
        lead(cast.acme, name=f"Visitor {number}")
    page = read(agnes, BOARD)
    assert "More than 3 open in General" in page.text
    assert "3+" in page.text


def test_an_archived_stage_is_shown_while_leads_stand_in_it(cast: Cast, agnes: Client) -> None:
    qualified = stage(cast, "Qualified")
    made = lead(cast.acme, name="Left behind", stage=qualified)
    Stage.objects.filter(pk=qualified.pk).update(archived_at=1)
    page = read(agnes, BOARD)
    assert "Left behind" in page.text
    assert "Archived" in page.text
    working.set_stage(made, stage(cast, "Contacted"))
    assert "Qualified" not in read(agnes, BOARD).text


def test_the_number_of_queries_does_not_grow_with_the_cards(
    cast: Cast, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    member = Member.objects.get(user=cast.agnes)
    for number in range(10):
        lead(cast.acme, name=f"Visitor {number}", owner=member)
    [general] = [each for each in cast.acme.types if each.name == "General"]
    with django_assert_num_queries(4):
        found = board.columns(cast.acme.workspace, general)
        owners = {each.owner.user.email for column in found for each in column.leads if each.owner}
    assert owners == {"agnes@example.com"}


@pytest.mark.parametrize("query", ["type=x", "type=99999999999999999999", "more=1", "more=:", "more=x:y", "owner=you"])
def test_a_query_that_makes_no_sense_shows_the_board(cast: Cast, agnes: Client, query: str) -> None:
    assert "1 open in General" in read(agnes, f"{BOARD}?{query}").text
