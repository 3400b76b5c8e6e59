"""The page of one lead: what it shows, stage, owner, type and fields; the same in a browser: test_lead_browser.py."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import Member, User
from stagewise.leads import actions, working
from stagewise.leads.models import Lead
from tests.console.pages import read, send, undo
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db


AsUser = Callable[[User], Client]


def path(of: Lead, act: str = "") -> str:
    return f"/w/acme/leads/{of.public_id}/{act}"


def member(user: User) -> Member:
    return Member.objects.select_related("user").get(user=user)


def stage_of(of: Lead, name: str) -> int:
    return of.lead_type.stages.get(name=name).pk


# What it shows


def test_it_shows_all_that_is_known(cast: Cast, as_user: AsUser) -> None:
    made = lead(
        cast.acme,
        message="Line one\nLine two",
        origin="https://yoursite.com",
        phone="(202) 555-0123",
        phone_valid=False,
    )
    page = read(as_user(cast.vera), path(made))
    for shown in (
        "Grace Hopper",
        "grace@example.com",
        "(202) 555-0123",
        "(+12025550123)",
        "May not be a real number",
        "Line one Line two",
        "General",
        "My website",
        "203.0.113.7",
        "https://yoursite.com",
        "curl/8",
        str(made.request_id),
        str(made.public_id),
    ):
        assert shown in page.text, shown


def test_its_head_says_where_the_lead_stands(cast: Cast, as_user: AsUser) -> None:
    agnes = as_user(cast.agnes)
    assert (
        "New · nobody has done anything about it yet · General · came in just now"
        in read(agnes, path(cast.acme.lead)).text
    )
    working.assign(cast.acme.lead, member(cast.agnes))
    assert "New · yours · General" in read(agnes, path(cast.acme.lead)).text
    working.set_stage(cast.acme.lead, cast.acme.types[0].stages.get(name="Contacted"))
    working.assign(cast.acme.lead, None)
    assert "Contacted · since just now · nobody's" in read(agnes, path(cast.acme.lead)).text


def test_one_tap_reaches_the_person(cast: Cast, as_user: AsUser) -> None:
    page = read(as_user(cast.vera), path(cast.acme.lead))
    for href in ("tel:+12025550123", "mailto:grace@example.com", "https://wa.me/12025550123"):
        assert f'href="{href}"' in page.html
    odd = lead(cast.acme, phone="ask for Grace", phone_e164=None, email="a&b?c%25@example.com")
    page = read(as_user(cast.vera), path(odd))
    assert 'href="tel:' not in page.html
    assert "wa.me" not in page.html
    assert 'href="mailto:a%26b%3Fc%2525@example.com"' in page.html
    national = lead(cast.acme, phone="(202) 555-0123 ext. 4", phone_e164=None)
    assert 'href="tel:2025550123"' in read(as_user(cast.vera), path(national)).html


def test_times_are_shown_in_the_workspaces_zone(cast: Cast, as_user: AsUser) -> None:
    made = lead(cast.acme, created_at=1_767_225_600_000)
    send(as_user(cast.olga), "/w/acme/settings/", name="Acme", time_zone="Asia/Tokyo", default_region="")
    assert "1 January 2026, 09:00:00 JST" in read(as_user(cast.vera), path(made)).text


def test_a_request_leads_to_its_line_in_the_log(cast: Cast, as_user: AsUser) -> None:
    made = cast.acme.lead
    link = f"/w/acme/logs/?request={made.request_id}&amp;near={made.created_at}"
    assert link in read(as_user(cast.vera), path(made)).html


def test_the_next_and_the_last_lead_are_one_click_away(cast: Cast, as_user: AsUser) -> None:
    older, middle, newer = cast.acme.lead, lead(cast.acme), lead(cast.acme)
    page = read(as_user(cast.vera), path(middle)).html
    assert path(older) in page
    assert path(newer) in page
    assert "Newer" not in read(as_user(cast.vera), path(newer)).text
    assert str(cast.next_door.lead.public_id) not in page


# Stages


def test_a_stage_is_changed_with_one_click_and_undone_with_another(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    page = send(agnes, path(made, "stage/"), stage=stage_of(made, "Contacted"), seen=made.stage_id)
    assert "Now in “Contacted”." in page.text
    undo(agnes, page)
    made.refresh_from_db()
    assert made.stage.name == "New"


def test_why_it_was_lost_is_kept_shown_and_comes_back_with_undo(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    page = send(agnes, path(made, "stage/"), stage=stage_of(made, "Lost"), seen=made.stage_id, reason="Too far away")
    assert "“Too far away”" in page.text
    page = send(agnes, path(made, "stage/"), stage=stage_of(made, "New"), seen=stage_of(made, "Lost"))
    assert "Too far away" not in page.text.partition("What happened")[0]
    assert "“Too far away”" in undo(agnes, page).text.partition("What happened")[0]


def test_a_reason_that_is_too_long_stays_in_its_field(cast: Cast, as_user: AsUser) -> None:
    made, reason = cast.acme.lead, "x" * 501
    page = send(as_user(cast.agnes), path(made, "stage/"), stage=stage_of(made, "Lost"), reason=reason)
    assert page.status == 422
    assert page.values[f"reason-{stage_of(made, 'Lost')}"] == reason
    assert "at most 500 characters" in page.text


def test_who_saw_the_lead_elsewhere_is_told_who_moved_it_and_may_insist(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    seen = made.stage_id
    working.set_stage(made, made.lead_type.stages.get(name="Contacted"), "adam@example.com")
    page = send(agnes, path(made, "stage/"), stage=stage_of(made, "Won"), seen=seen, reason="The price")
    assert page.status == 409
    assert "adam@example.com moved it to “Contacted” in the meantime." in page.text
    assert "Move it to “Won” all the same" in page.text
    made.refresh_from_db()
    assert made.stage.name == "Contacted"
    form = page.html.partition('class="notice" role="alert"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form.partition("csrf")[2]))
    send(agnes, path(made, "stage/"), **fields)
    made.refresh_from_db()
    assert (made.stage.name, made.closed_reason) == ("Won", "The price")


def test_an_archived_stage_is_refused_with_words(cast: Cast, as_user: AsUser) -> None:
    archived = actions.archive_stage(cast.acme.types[0].stages.get(name="Won"))
    page = send(as_user(cast.agnes), path(cast.acme.lead, "stage/"), stage=archived.pk)
    assert "is archived. Choose another one." in page.text


# Owner and type


def test_a_lead_is_taken_given_away_and_undone(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    assert "Take it" in read(agnes, path(made)).text
    page = send(agnes, path(made, "owner/"), owner=member(cast.agnes).pk)
    assert "agnes@example.com works it now." in page.text
    assert "Take it" not in page.text
    page = send(agnes, path(made, "owner/"), owner=member(cast.adam).pk)
    undo(agnes, page)
    made.refresh_from_db()
    assert made.owner == member(cast.agnes)
    page = send(agnes, path(made, "owner/"), owner="")
    assert "It is nobody's now." in page.text


def test_nobody_from_next_door_and_nobody_who_has_left_is_given_a_lead(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    assert send(agnes, path(made, "owner/"), owner=member(cast.stan).pk).status == 404
    Member.objects.filter(user=cast.adam).update(deactivated_at=1)
    assert "Choose somebody of this workspace." in send(agnes, path(made, "owner/"), owner=member(cast.adam).pk).text
    assert "adam@example.com" not in read(agnes, path(made)).text


def test_undo_of_another_type_puts_the_lead_back_into_its_stage(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    working.set_stage(made, made.lead_type.stages.get(name="Qualified"))
    page = send(agnes, path(made, "type/"), lead_type=cast.acme.types[1].pk)
    assert "Now a lead of the type “Sales”." in page.text
    undo(agnes, page)
    made.refresh_from_db()
    assert (made.lead_type, made.stage.name) == (cast.acme.types[0], "Qualified")


# Editing


def test_the_fields_are_edited_in_place_and_undone(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    form = read(agnes, path(made, "?edit=1"))
    assert (form.values["name"], form.values["email"]) == ("Grace Hopper", "grace@example.com")
    page = send(agnes, path(made, "edit/"), name="Rear Admiral", seen=form.values["edit-seen"])
    assert "Saved." in page.text
    assert "the name: Grace Hopper to Rear Admiral" in page.text
    undo(agnes, page)
    made.refresh_from_db()
    assert made.name == "Grace Hopper"


def test_what_was_typed_stays_when_it_is_refused(cast: Cast, as_user: AsUser) -> None:
    typed = {"name": "Rear Admiral", "email": "grace", "phone": "12", "message": "<b>Hello</b>"}
    page = send(as_user(cast.agnes), path(cast.acme.lead, "edit/"), **typed)
    assert page.status == 422
    assert {name: page.values[name] for name in typed} == typed
    assert "This is no valid e-mail address." in page.text
    assert "This is no valid phone number." in page.text
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.name == "Grace Hopper"


def test_who_edits_what_somebody_else_has_changed_since_is_told_and_keeps_what_was_typed(
    cast: Cast, as_user: AsUser
) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    form = read(agnes, path(made, "?edit=1")).values
    working.edit(made, {"phone": "+44 20 7946 0958"}, "adam@example.com")
    sent = {**{name: form[name] for name in ("name", "email", "message")}, "phone": "+44 20 7946 0001"}
    page = send(agnes, path(made, "edit/"), **sent, seen=form["edit-seen"])
    assert page.status == 409
    assert page.values["phone"] == "+44 20 7946 0001"
    assert "adam@example.com changed it to “+44 20 7946 0958” in the meantime." in page.text
    send(agnes, path(made, "edit/"), **sent, seen=page.values["edit-seen"])
    made.refresh_from_db()
    assert made.phone == "+44 20 7946 0001"


def test_a_toast_is_shown_once(cast: Cast, as_user: AsUser) -> None:
    agnes, made = as_user(cast.agnes), cast.acme.lead
    assert "Now in" in send(agnes, path(made, "stage/"), stage=stage_of(made, "Won")).text
    assert "Now in" not in read(agnes, path(made)).text
