"""Who gets where: nobody, strangers, and members of each role, on every route that there is."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from stagewise.accounts.models import Member, User
from tests.console import routes
from tests.console.routes import OF_A_WORKSPACE
from tests.console.state import everything
from tests.support.cast import Cast, Place

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
ALL = sorted(OF_A_WORKSPACE)


def test_every_route_has_an_entry_in_the_table() -> None:
    known = {*OF_A_WORKSPACE, *routes.OF_A_PERSON, *routes.OF_A_PROGRAM, *routes.OF_A_THING, *routes.OPEN}
    assert sorted(set(routes.names())) == sorted(known)


@pytest.mark.parametrize("name", ALL)
def test_nobody_is_sent_to_log_in_and_changes_nothing(cast: Cast, name: str) -> None:
    path = routes.path(name, cast.acme)
    before = everything()
    seen = Client().get(path)
    assert (seen.status_code, seen["Location"]) == (302, f"/login/?next={quote(path)}")
    posted = Client().post(path, OF_A_WORKSPACE[name].body(cast.acme))
    assert (posted.status_code, posted["Location"].partition("?")[0]) == (302, "/login/")
    assert everything() == before


@pytest.mark.parametrize("name", sorted(routes.OF_A_PERSON))
def test_nobody_is_sent_to_log_in_from_the_pages_of_a_person(db: None, name: str) -> None:
    assert Client().get(reverse(name))["Location"].startswith("/login/")


@pytest.mark.parametrize("name", sorted(routes.OF_A_THING))
def test_nobody_is_sent_to_log_in_from_what_a_person_has(db: None, name: str) -> None:
    assert Client().get(reverse(name, args=[1]))["Location"].startswith("/login/")


@pytest.mark.parametrize("path", routes.OPEN.values())
def test_open_pages_open_without_a_login(db: None, path: str) -> None:
    assert Client().get(path).status_code in {200, 302, 403, 410}


@pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
@pytest.mark.parametrize("name", ALL)
def test_a_stranger_finds_nothing_and_changes_nothing(cast: Cast, as_user: AsUser, name: str, method: str) -> None:
    """Stan knows all ids of Acme; he tries them under Acme's name and under his own workspace's."""
    stan = as_user(cast.stan)
    body, path = OF_A_WORKSPACE[name].body(cast.acme), routes.path(name, cast.acme)
    before = everything()
    under_acme = getattr(stan, method)(path, body)
    assert under_acme.status_code == 404
    if OF_A_WORKSPACE[name].arguments(cast.acme) and not OF_A_WORKSPACE[name].shared:
        under_his_own = getattr(stan, method)(routes.path(name, cast.acme, inside=cast.next_door), body)
        assert under_his_own.status_code in {404, 405}
    assert everything() == before


@pytest.mark.parametrize("name", ALL)
def test_a_person_without_a_workspace_is_a_stranger_everywhere(cast: Cast, as_user: AsUser, name: str) -> None:
    assert as_user(cast.nora).get(routes.path(name, cast.acme)).status_code == 404


def test_a_stage_of_another_workspace_is_never_taken_for_a_lead(cast: Cast, as_user: AsUser) -> None:
    foreign, stan = cast.acme.types[0].stages.get(name="Won"), as_user(cast.stan)
    before = everything()
    answer = stan.post(routes.path("lead_stage", cast.next_door), {"stage": foreign.pk})
    assert answer.status_code == 404
    assert everything() == before


def test_a_filter_by_the_type_or_endpoint_of_another_workspace_shows_nothing_of_it(cast: Cast, as_user: AsUser) -> None:
    stan = as_user(cast.stan)
    page = stan.get(f"/w/next-door/leads/?type={cast.acme.types[0].pk}").content.decode()
    assert str(cast.acme.lead.public_id) not in page
    assert stan.get(f"/w/next-door/logs/?endpoint={cast.acme.endpoint.pk}").status_code == 200


def user_with(cast: Cast, role: str) -> User:
    return {"owner": cast.olga, "admin": cast.adam, "agent": cast.agnes, "viewer": cast.vera}[role]


def may(role: str, least: str | None) -> bool:
    order = ["viewer", "agent", "admin", "owner"]
    return least is not None and order.index(role) >= order.index(least)


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
@pytest.mark.parametrize("name", ALL)
def test_each_role_may_do_what_the_table_says_and_nothing_else(
    cast: Cast, as_user: AsUser, name: str, role: str
) -> None:
    route, browser = OF_A_WORKSPACE[name], as_user(user_with(cast, role))
    path = routes.path(name, cast.acme)
    read = browser.get(path)
    assert read.status_code == (405 if route.read is None else 200 if may(role, route.read) else 403)
    before = everything()
    written = browser.post(path, route.body(cast.acme))
    if may(role, route.write):
        assert written.status_code == route.answers, written.content.decode()
    else:
        assert written.status_code == (405 if route.write is None else 403)
        assert everything() == before


@pytest.mark.parametrize("name", [name for name in ALL if OF_A_WORKSPACE[name].write])
def test_a_person_whose_seat_was_taken_away_is_a_stranger_at_once(cast: Cast, as_user: AsUser, name: str) -> None:
    browser = as_user(cast.olga)
    Member.objects.filter(user=cast.olga).delete()
    assert browser.post(routes.path(name, cast.acme), OF_A_WORKSPACE[name].body(cast.acme)).status_code == 404


def test_a_role_that_is_too_small_is_named_with_the_one_it_takes(cast: Cast, as_user: AsUser) -> None:
    page = as_user(cast.vera).post(routes.path("lead_type_add", cast.acme), {"name": "x"}).content.decode()
    assert "Your role here is Viewer, and this takes Admin or more." in page


def test_pages_offer_a_viewer_nothing_that_would_be_refused(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    for name in (
        "leads",
        "lead",
        "held",
        "lead_types",
        "api",
        "channels",
        "channel",
        "delivery",
        "alerts",
        "watch",
        "monitoring",
        "logs",
        "workspace",
    ):
        page = browser.get(routes.path(name, cast.acme)).content.decode()
        forms = [form for form in re.findall("<form.*?</form>", page, re.DOTALL) if 'method="post"' in form]
        actions = [re.findall('action="([^"]*)"', form) for form in forms if 'type="submit"' in form]
        own = {"api": "endpoint_explain", "leads": "lead_columns"}.get(name)
        theirs = [[routes.path(own, cast.acme)]] if own else []
        assert sorted(actions) == sorted([["/account/theme/"], ["/logout/"], *theirs]), name


@pytest.mark.parametrize(
    "path",
    [
        "/w/acme/lead-types/99999999999999999999/rename/",
        "/w/acme/stages/0/move/",
        "/w/acme/integration/api/9223372036854775808/",
        "/w/acme/leads/00000000-0000-0000-0000-000000000000/stage/",
        "/w/acme/leads/not-a-uuid/",
        "/w/ACME/leads/",
        "/w/acme/",
        "/w/acme/leads/../../next-door/leads/",
    ],
)
def test_an_id_that_does_not_exist_is_not_found(cast: Cast, as_user: AsUser, path: str) -> None:
    assert as_user(cast.olga).post(path).status_code == 404


def test_posted_fields_that_are_not_on_the_form_are_ignored(cast: Cast, as_user: AsUser) -> None:
    body = {"allowed_ips": "203.0.113.7", "workspace": cast.next_door.workspace.pk, "key": "mine", "role": "owner"}
    as_user(cast.adam).post(routes.path("endpoint", cast.acme), body)
    cast.acme.endpoint.refresh_from_db()
    assert cast.acme.endpoint.workspace_id == cast.acme.workspace.pk
    assert cast.adam.memberships.get().role == "admin"


def test_a_person_with_two_seats_can_change_between_them(cast: Cast, as_user: AsUser) -> None:
    Member.objects.create(workspace=cast.next_door.workspace, user=cast.olga, role="viewer")
    browser = as_user(cast.olga)
    assert 'href="/w/next-door/leads/"' in browser.get("/w/acme/leads/").content.decode()
    assert browser.get("/w/next-door/leads/").status_code == 200
    assert browser.post("/w/next-door/lead-types/add/", {"name": "x"}).status_code == 403
    assert browser.get("/")["Location"] == "/w/acme/overview/"


def test_a_person_without_a_workspace_is_told_so(cast: Cast, as_user: AsUser) -> None:
    assert "You are in no workspace yet" in as_user(cast.nora).get("/").content.decode()


def test_calls_with_unknown_keys_are_for_owners_of_the_first_workspace(cast: Cast, as_user: AsUser) -> None:
    from stagewise.endpoints.models import UnknownCall

    UnknownCall.objects.create(hour=0, prefix="abcdef", address="203.0.113.9", count=2, last_at=1_800_000_000_000)

    def sees(user: User, place: Place) -> bool:
        return "abcdef" in as_user(user).get(routes.path("logs", place)).content.decode()

    assert sees(cast.olga, cast.acme)
    assert not sees(cast.adam, cast.acme)
    assert not sees(cast.stan, cast.next_door)
