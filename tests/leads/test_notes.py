"""Notes, and who is named in them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, User
from stagewise.leads import notes, working
from stagewise.leads.models import LeadMention, LeadNote
from stagewise.notify.models import Event
from stagewise.site.mail import CONSOLE
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

OnCommit = Callable[..., AbstractContextManager[Any]]


def member(user: User, name: str = "") -> Member:
    found = Member.objects.select_related("user").get(user=user)
    if name:
        found.user.name = name
        found.user.save()
    return found


def named(cast: Cast, text: str) -> list[str]:
    members = notes.members_of(cast.acme.workspace.pk)
    return sorted(each.user.email.partition("@")[0] for each in notes.mentioned(text, members))


# What is written


def test_a_note_is_kept_as_it_was_written_and_told_to_no_channel(cast: Cast) -> None:
    note = notes.add_note(cast.acme.lead, member(cast.agnes), "  Called.\r\nNobody there. ")
    assert (note.text, note.member, note.edited_at) == ("Called.\nNobody there.", member(cast.agnes), None)
    cast.acme.lead.refresh_from_db()
    assert cast.acme.lead.answered_at == note.at
    assert not Event.objects.exists()
    entry = AuditEntry.objects.get(action="lead.noted")
    assert (entry.actor, entry.subject, entry.changes) == ("agnes@example.com", str(cast.acme.lead.public_id), {})


@pytest.mark.parametrize("text", ["", " \n ", "\u200b", "x" * (notes.LONGEST + 1), "a\0b", "\ud800"])
def test_what_says_nothing_or_cannot_be_kept_is_refused(cast: Cast, text: str) -> None:
    with pytest.raises(ActionError) as refused:
        notes.add_note(cast.acme.lead, member(cast.agnes), text)
    assert list(refused.value.problems) == ["text"]
    assert not LeadNote.objects.exists()


def test_only_who_wrote_a_note_changes_or_deletes_it(cast: Cast) -> None:
    note = notes.add_note(cast.acme.lead, member(cast.agnes), "Called")
    for act in (
        lambda: notes.edit_note(note, member(cast.olga), "Not called"),
        lambda: notes.delete_note(note, member(cast.olga)),
        lambda: notes.restore_note(note, member(cast.olga)),
    ):
        with pytest.raises(ActionError, match="Only who wrote"):
            act()
    changed = notes.edit_note(note, member(cast.agnes), "Called twice")
    assert changed.text == "Called twice"
    assert changed.edited_at is not None


def test_a_deleted_note_is_seen_by_nobody_comes_back_within_a_day_and_is_gone_after_it(cast: Cast) -> None:
    agnes = member(cast.agnes)
    note = notes.add_note(cast.acme.lead, agnes, "Ask @adam@example.com")
    notes.delete_note(note, agnes)
    assert not LeadNote.objects.exists()
    assert not notes.unseen_mentions(member(cast.adam))
    notes.restore_note(note, agnes)
    assert [each.note for each in notes.unseen_mentions(member(cast.adam))] == [note]
    notes.delete_note(note, agnes)
    assert notes.expire(10) == 0
    LeadNote.everything.update(deleted_at=now_ms() - notes.KEPT_MS - 1)
    assert notes.expire(10) == 1
    assert not LeadNote.everything.exists()
    assert not LeadMention.objects.exists()
    with pytest.raises(ActionError, match="gone"):
        notes.restore_note(note, agnes)


# Who is named


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@adam@example.com please call", ["adam"]),
        ("Ask @ADAM@EXAMPLE.COM.", ["adam"]),
        ("(@Adam Smith)", ["adam"]),
        ("@adam smith, @Vera", ["adam", "vera"]),
        ("@Adam", []),
        ("@Veranda", []),
        ("@vera@example.community", []),
        ("mail to adam@example.com", []),
        ("not@Vera", []),
        ("@@Vera", ["vera"]),
        ("@José", ["agnes"]),
        ("@JOSE\u0301", ["agnes"]),
        ("@stan@example.com", []),
        ("@", []),
    ],
)
def test_people_are_named_by_name_or_address_in_any_case(cast: Cast, text: str, who: list[str]) -> None:
    member(cast.adam, "Adam Smith"), member(cast.vera, "Vera"), member(cast.agnes, "José")
    note = notes.add_note(cast.acme.lead, member(cast.olga), text)
    assert named(cast, note.text) == who


def test_of_two_with_one_name_both_are_named(cast: Cast) -> None:
    member(cast.adam, "Sam"), member(cast.vera, "Sam")
    assert named(cast, "@Sam please call") == ["adam", "vera"]


def test_the_longer_name_counts_where_one_begins_with_another(cast: Cast) -> None:
    member(cast.adam, "Sam"), member(cast.vera, "Sam Smith")
    assert named(cast, "@Sam Smith") == ["vera"]
    assert named(cast, "@Sam and the others") == ["adam"]


def test_who_has_left_is_named_no_more(cast: Cast) -> None:
    Member.objects.filter(user=cast.adam).update(deactivated_at=1)
    assert named(cast, "@adam@example.com") == []


def test_a_page_can_show_who_is_named(cast: Cast) -> None:
    found = notes.pieces("Ask @adam@example.com!", notes.members_of(cast.acme.workspace.pk))
    assert found == [("Ask ", False), ("@adam@example.com", True), ("!", False)]


# Who is told


def test_who_is_named_gets_a_mail_with_a_link_and_nobody_else(
    cast: Cast, django_capture_on_commit_callbacks: OnCommit
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        note = notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com @agnes@example.com please call")
    [sent] = mail.outbox
    assert sent.to == ["adam@example.com"]
    assert sent.reply_to == ["agnes@example.com"]
    assert sent.subject == "agnes@example.com mentioned you in a note"
    for words in (
        "Grace Hopper",
        "@adam@example.com @agnes@example.com please call",
        f"http://127.0.0.1:8001/w/acme/leads/{cast.acme.lead.public_id}/#note-{note.pk}",
    ):
        assert words in sent.body


def test_who_is_named_by_a_correction_is_told_once(cast: Cast, django_capture_on_commit_callbacks: OnCommit) -> None:
    agnes = member(cast.agnes)
    with django_capture_on_commit_callbacks(execute=True):
        note = notes.add_note(cast.acme.lead, agnes, "@adam@example.com")
        notes.edit_note(note, agnes, "@adam@example.com @vera@example.com")
        notes.edit_note(note, agnes, "@vera@example.com")
    assert [sent.to for sent in mail.outbox] == [["adam@example.com"], ["vera@example.com"]]
    assert not notes.unseen_mentions(member(cast.adam))
    assert len(notes.unseen_mentions(member(cast.vera))) == 1


def test_a_note_that_is_not_kept_tells_nobody(cast: Cast, django_capture_on_commit_callbacks: OnCommit) -> None:
    working.delete_lead(cast.acme.lead)
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(ActionError):
        notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com")
    assert mail.outbox == []


def test_without_a_mail_server_a_note_does_not_stand_in_the_log(
    cast: Cast,
    settings: Settings,
    django_capture_on_commit_callbacks: OnCommit,
    capsys: pytest.CaptureFixture[str],
) -> None:
    settings.EMAIL_BACKEND = CONSOLE
    with django_capture_on_commit_callbacks(execute=True):
        notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com please call")
    assert "please call" not in "".join(capsys.readouterr())
    assert len(notes.unseen_mentions(member(cast.adam))) == 1


# What is still to be seen


def test_mentions_are_unseen_until_one_says_so(cast: Cast) -> None:
    first = notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com one")
    second = notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com two")
    adam = member(cast.adam)
    assert [each.note for each in notes.unseen_mentions(adam)] == [second, first]
    assert notes.see(cast.acme.lead, adam) == 2
    assert notes.unseen_mentions(adam) == []
    assert notes.see(cast.acme.lead, adam) == 0


def test_who_answers_in_a_note_has_seen_what_was_asked(cast: Cast) -> None:
    notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com could you call?")
    notes.add_note(cast.acme.lead, member(cast.adam), "Done")
    assert notes.unseen_mentions(member(cast.adam)) == []


def test_nobody_is_asked_to_look_at_a_deleted_lead(cast: Cast) -> None:
    notes.add_note(cast.acme.lead, member(cast.agnes), "@adam@example.com")
    working.delete_lead(cast.acme.lead)
    assert notes.unseen_mentions(member(cast.adam)) == []
