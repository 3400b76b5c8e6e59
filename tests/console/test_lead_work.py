"""The page of one lead: notes, tags, follow-ups, merging."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts.models import Member, User
from stagewise.leads import notes, tags, tasks
from stagewise.leads.models import Lead, LeadTask
from stagewise.worker.derive import derive
from tests.console.pages import read, send, undo
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db


AsUser = Callable[[User], Client]


def path(of: Lead, act: str = "") -> str:
    return f"/w/acme/leads/{of.public_id}/{act}"


def member(user: User) -> Member:
    return Member.objects.select_related("user").get(user=user)


# Notes


def test_a_note_is_added_and_stands_in_the_timeline(cast: Cast, as_user: AsUser) -> None:
    page = send(as_user(cast.agnes), path(cast.acme.lead, "notes/"), text="Called.\nAsk @adam@example.com")
    assert "agnes@example.com Called. Ask @adam@example.com" in page.text
    assert '<b class="mention"><bdi>@adam@example.com</bdi></b>' in page.html


def test_a_note_that_is_refused_stays_in_its_field(cast: Cast, as_user: AsUser) -> None:
    text = "x" * 5001
    page = send(as_user(cast.agnes), path(cast.acme.lead, "notes/"), text=text)
    assert page.status == 422
    assert page.values["note-after-0"] == text
    assert "A note has at most 5000 characters." in page.text


def test_one_changes_and_deletes_ones_own_notes_and_no_others(cast: Cast, as_user: AsUser) -> None:
    made, agnes, adam = cast.acme.lead, as_user(cast.agnes), as_user(cast.adam)
    note = notes.add_note(made, member(cast.agnes), "Called")
    assert "Delete this note" not in read(adam, path(made)).html
    form = read(agnes, path(made, f"?note={note.pk}"))
    assert form.values[f"edit-note-{note.pk}"] == "Called"
    assert f"edit-note-{note.pk}" not in read(adam, path(made, f"?note={note.pk}")).values
    assert "Called twice changed" not in send(agnes, path(made, f"notes/{note.pk}/"), text="Called twice").text
    refused = send(agnes, path(made, f"notes/{note.pk}/"), text=" ")
    assert (refused.status, "Write something first." in refused.text) == (422, True)
    assert "Only who wrote a note can change it." in send(adam, path(made, f"notes/{note.pk}/"), text="No").text
    page = send(agnes, path(made, f"notes/{note.pk}/delete/"))
    assert "Called twice" not in page.text
    assert "Called twice" in undo(agnes, page).text


def test_a_note_of_another_lead_is_not_found_under_this_one(cast: Cast, as_user: AsUser) -> None:
    note = notes.add_note(lead(cast.acme), member(cast.agnes), "Called")
    assert send(as_user(cast.agnes), path(cast.acme.lead, f"notes/{note.pk}/delete/")).status == 404


def test_who_is_mentioned_sees_it_above_all_and_says_when_it_was_seen(cast: Cast, as_user: AsUser) -> None:
    made, vera = cast.acme.lead, as_user(cast.vera)
    notes.add_note(made, member(cast.agnes), "@vera@example.com have a look")
    assert "You are mentioned here" in read(vera, path(made)).text
    assert "You are mentioned here" not in read(as_user(cast.adam), path(made)).text
    assert "You are mentioned here" not in send(vera, path(made, "seen/")).text
    assert not notes.unseen_mentions(member(cast.vera))


# Tags


def test_a_tag_is_added_by_its_name_and_taken_away_with_undo(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    tags.tag(lead(cast.acme), "Berlin")
    assert '<option value="Berlin">' in read(agnes, path(made)).html
    page = send(agnes, path(made, "tags/"), tag="VIP")
    assert "Take away the tag VIP" in page.html
    page = send(agnes, path(made, "tags/remove/"), taken=made.lead_tags.get().tag_id)
    assert "“VIP” was taken away." in page.text
    assert "Take away the tag VIP" in undo(agnes, page).html


def test_a_tag_that_is_none_stays_in_its_field(cast: Cast, as_user: AsUser) -> None:
    page = send(as_user(cast.agnes), path(cast.acme.lead, "tags/"), tag="x" * 61)
    assert (page.status, page.values["tag-0"]) == (422, "x" * 61)
    assert "at most 60 characters" in page.text


# Follow-ups


def day(after: int) -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=after)


def end_of(date: datetime.date) -> int:
    after = datetime.datetime.combine(date, datetime.time(), datetime.UTC) + datetime.timedelta(days=1)
    return int(after.timestamp() * 1000) - 1


def test_a_follow_up_is_planned_with_one_click_for_a_day_that_is_near(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    monday = day(7 - day(0).weekday())
    for when, due in (("today", day(0)), ("tomorrow", day(1)), ("week", monday)):
        send(agnes, path(made, "tasks/"), task=f"Call {when}", when=when, day="", member=member(cast.agnes).pk)
        task = LeadTask.objects.get(text=f"Call {when}")
        assert (task.due_at, task.member) == (end_of(due), member(cast.agnes))
    page = read(agnes, path(made))
    assert "Call today today · yours" in page.text
    assert "Call tomorrow tomorrow · yours" in page.text


def test_a_follow_up_is_planned_for_a_date_and_for_everybody(cast: Cast, as_user: AsUser) -> None:
    page = send(as_user(cast.agnes), path(cast.acme.lead, "tasks/"), task="", day="2031-05-12", member="")
    assert "Follow up Mon 12 May 2031 · everybody's" in page.text


@pytest.mark.parametrize("wrong", ["", "tomorrow", "2031-02-30", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_is_refused_and_what_was_typed_stays(cast: Cast, as_user: AsUser, wrong: str) -> None:
    page = send(as_user(cast.agnes), path(cast.acme.lead, "tasks/"), task="Call", day=wrong, member="")
    assert page.status == 422
    assert page.values["task-0"] == "Call"
    assert "Choose a date." in page.text
    assert not LeadTask.objects.exists()


def test_what_is_late_says_so_until_it_is_done_put_off_or_removed(cast: Cast, as_user: AsUser) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    task = tasks.add_task(made, member(cast.agnes), "Call", end_of(day(-2)))
    assert "Call 2 days late" in read(agnes, path(made)).text
    page = send(agnes, path(made, f"tasks/{task.pk}/day/"), when="tomorrow")
    assert "Call tomorrow" in page.text
    assert "Call 2 days late" in undo(agnes, page).text
    page = send(agnes, path(made, f"tasks/{task.pk}/done/"))
    assert "Done: Call" in page.text
    assert "late" not in page.text
    undo(agnes, page)
    page = send(agnes, path(made, f"tasks/{task.pk}/remove/"))
    assert not LeadTask.objects.exists()
    undo(agnes, page)
    assert LeadTask.objects.get().due_at == end_of(day(-2))


# Other leads of the same person


def test_other_leads_of_the_person_are_merged_with_one_click_and_parted_with_another(
    cast: Cast, as_user: AsUser
) -> None:
    made, agnes = cast.acme.lead, as_user(cast.agnes)
    other = lead(cast.acme, name="G. Hopper", message="Did you get my message?")
    notes.add_note(other, member(cast.agnes), "Sounds impatient")
    derive(10)
    page = read(agnes, path(made))
    assert "One more lead of this person G. Hopper New · General" in page.text
    assert "From the other one come over: 1 note, 0 open follow-ups, its tags" in page.text
    page = send(agnes, path(made, "merge/"), other=other.public_id)
    assert "The other lead of G. Hopper is part of this one now." in page.text
    assert "agnes@example.com · merged with a lead that came in just now" in page.text
    assert "Did you get my message?" in page.text
    assert "Sounds impatient" in page.text
    assert "One more lead" not in page.text
    page = undo(agnes, page)
    assert "“G. Hopper” is back." in page.text
    assert "One more lead of this person" in page.text
    assert "Sounds impatient" not in page.text


def test_a_lead_of_next_door_is_not_merged(cast: Cast, as_user: AsUser) -> None:
    for other in (cast.next_door.lead.public_id, "x"):
        assert send(as_user(cast.agnes), path(cast.acme.lead, "merge/"), other=other).status == 404
    refused = send(as_user(cast.agnes), path(cast.acme.lead, "merge/"), other=cast.acme.lead.public_id)
    assert "Choose another lead of this workspace." in refused.text
