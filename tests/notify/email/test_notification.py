"""What somebody finds in the mailbox when a lead came in."""

from __future__ import annotations

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.leads import working
from stagewise.leads.models import LeadAttribution
from stagewise.notify.channels import OpenChannel
from stagewise.notify.channels.email.channel import Email
from stagewise.notify.models import Delivery, Mail
from tests.notify.email.post import Post
from tests.support import cast as casting
from tests.support.cast import Cast
from tests.support.mailbox import Mailbox


def test_the_mail_tells_who_wrote_what_and_how_to_reach_them(post: Post, cast: Cast, server: Mailbox) -> None:
    assert post.send(post.channel(), cast.acme.lead).problem == ""
    [mail] = server.received
    html, text = mail.body("html"), mail.body("plain")
    for part in (html, text):
        for words in ("Grace Hopper", "+1 202 555 0123", "grace@example.com", "General", "My website", "New"):
            assert words in part
    assert "> Please call me back." in text
    assert 'href="tel:+12025550123"' in html
    assert 'href="mailto:grace@example.com"' in html


def test_one_click_leads_to_the_lead_in_the_console(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), cast.acme.lead)
    page = f"http://127.0.0.1:8001/w/acme/leads/{cast.acme.lead.public_id}/"
    assert f'href="{page}"' in server.received[0].body("html")
    assert page in server.received[0].body("plain").splitlines()


def test_an_answer_goes_to_the_lead(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), cast.acme.lead)
    assert server.received[0].message["Reply-To"] == "grace@example.com"


def test_an_address_that_no_header_can_hold_gets_no_reply_to_but_stands_in_the_mail(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    post.send(post.channel(), casting.lead(cast.acme, email="jürgen@example.de"))
    [mail] = server.received
    assert mail.message["Reply-To"] is None
    assert "jürgen@example.de" in mail.body("plain")


def test_a_domain_with_letters_of_its_own_is_answered_under_its_ascii_name(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    post.send(post.channel(), casting.lead(cast.acme, email="info@bücher.example"))
    assert server.received[0].message["Reply-To"] == "info@xn--bcher-kva.example"


def test_the_subject_names_lead_type_and_endpoint_and_nothing_of_the_visitor(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    post.send(post.channel(), cast.acme.lead)
    assert server.received[0].message["Subject"] == "New lead: General, My website"


def test_the_reader_learns_why_the_mail_came(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel("olga@acme.example", name="Everybody"), cast.acme.lead)
    [mail] = server.received
    why = "You get this mail because olga@acme.example is a recipient of the channel “Everybody” of Acme Studio"
    assert why in mail.body("plain")
    assert why in mail.body("html")


def test_nobodys_absence_note_answers_to_the_visitor(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), cast.acme.lead)
    assert server.received[0].message["Auto-Submitted"] == "auto-generated"


def test_times_are_those_of_the_workspace(post: Post, cast: Cast, server: Mailbox) -> None:
    cast.acme.workspace.time_zone = "Europe/Berlin"
    cast.acme.workspace.save()
    post.send(post.channel(), casting.lead(cast.acme, created_at=1_795_455_000_000))
    assert "Received: Mon 23 Nov 2026, 18:30 (Europe/Berlin)" in server.received[0].body("plain")


def test_where_it_came_from_is_told_and_not_linked(post: Post, cast: Cast, server: Mailbox) -> None:
    LeadAttribution.objects.create(
        lead=cast.acme.lead,
        workspace_id=cast.acme.workspace.pk,
        page_url="https://acme.example/contact",
        utm_campaign="spring",
    )
    post.send(post.channel(), cast.acme.lead)
    html = server.received[0].body("html")
    assert "https://acme.example/contact" in html
    assert "spring" in html
    assert 'href="https://acme.example' not in html


def test_the_mail_loads_nothing(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), cast.acme.lead)
    html = server.received[0].body("html")
    for thing in ("<img", "<style", "<link", "<script", "src=", "url(", "@import"):
        assert thing not in html


def test_every_recipient_gets_a_mail_of_their_own(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel("a@acme.example, b@acme.example", members=[cast.olga.memberships.get().pk])
    post.send(channel, cast.acme.lead)
    assert sorted(mail.message["To"] for mail in server.received) == [
        "a@acme.example",
        "b@acme.example",
        "olga@example.com",
    ]
    assert all(mail.recipients == [mail.message["To"]] for mail in server.received)


def test_a_mailbox_that_is_named_twice_gets_one_mail(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel("Olga@example.com", members=[cast.olga.memberships.get().pk]), cast.acme.lead)
    assert len(server.received) == 1


def test_members_of_other_workspaces_and_those_who_left_get_none(post: Post, cast: Cast, server: Mailbox) -> None:
    agnes = cast.agnes.memberships.get()
    channel = post.channel("", members=[agnes.pk, cast.stan.memberships.get().pk])
    post.send(channel, cast.acme.lead)
    assert [mail.recipients for mail in server.received] == [["agnes@example.com"]]
    agnes.delete()
    outcome = post.send(channel, cast.acme.lead)
    assert outcome.final
    assert "Nobody is left" in outcome.problem


def test_a_channel_for_one_lead_type_is_silent_about_others(post: Post, cast: Cast, server: Mailbox) -> None:
    sales = cast.acme.types[1]
    channel = post.channel(lead_types=[sales.pk])
    outcome = post.send(channel, cast.acme.lead)
    assert outcome.problem == ""
    assert "other types" in outcome.answer
    assert server.received == []
    post.send(channel, casting.lead(cast.acme, lead_type=sales))
    assert server.received[0].message["Subject"] == "New lead: Sales, My website"


def test_a_lead_that_moved_on_is_told_with_the_stage_before(post: Post, cast: Cast, server: Mailbox) -> None:
    lead = cast.acme.lead
    lead.stage = lead.lead_type.stages.get(name="Won")
    lead.save()
    post.send(post.channel(), lead, "lead.stage_changed", previous_stage="New")
    [mail] = server.received
    assert mail.message["Subject"] == "Lead moved to Won: General, My website"
    assert "It was in “New” before." in mail.body("plain")
    assert mail.message["Reply-To"] is None


def test_of_a_deleted_lead_only_its_id_is_told(post: Post, cast: Cast, server: Mailbox) -> None:
    lead = cast.acme.lead
    channel = post.channel(lead_types=[lead.lead_type_id])
    post.send(channel, lead)
    delivery = post.event(channel, lead, "lead.deleted")
    working.delete_lead(lead)
    post.attempt(delivery)
    mail = server.received[-1]
    assert mail.message["Subject"] == "Lead deleted: Acme Studio"
    assert str(lead.public_id) in mail.body("plain")
    assert "Grace" not in mail.content.decode()


def test_a_lead_that_was_deleted_before_its_mail_left_is_not_sent_any_more(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    delivery = post.event(post.channel(), cast.acme.lead)
    working.delete_lead(cast.acme.lead)
    outcome = post.attempt(delivery)
    assert outcome.problem == ""
    assert "deleted" in outcome.answer
    assert server.received == []


def test_a_channel_can_be_tried_before_it_is_saved(cast: Cast, server: Mailbox) -> None:
    kind = Email()
    checked = kind.check("olga@acme.example", {})
    delivery = Delivery(
        workspace_id=cast.acme.workspace.pk, kind="test", public_id=cast.acme.lead.public_id, at=0, next_at=0
    )
    payload = {"type": "test", "id": "x", "timestamp": "2026-11-23T17:30:00Z", "data": {"message": "This is a test."}}
    outcome = kind.deliver(OpenChannel(0, "", checked.target, checked.options), delivery, payload)
    assert outcome.status == 250
    assert "Mail from Stagewise arrives" in server.received[0].body("plain")
    assert not Mail.objects.exists()


@pytest.mark.parametrize(
    ("target", "options", "field", "words"),
    [
        ("", {}, "target", "Type an address"),
        ("olga@acme.example, nobody", {}, "target", "“nobody”"),
        ("jürgen@example.de", {}, "target", "“jürgen@example.de”"),
        ("a@acme.example\r\nBcc: x@acme.example", {}, "target", "“Bcc:”"),
        (",".join(f"a{number}@acme.example" for number in range(21)), {}, "target", "At most 20"),
        ("a@acme.example", {"members": ["olga"]}, "members", "list of ids"),
        ("a@acme.example", {"lead_types": 3}, "lead_types", "list of ids"),
        ("a@acme.example", {"colour": "red"}, "colour", "no such option"),
        ("a@acme.example", {"acknowledge": "perhaps"}, "acknowledge", "on or off"),
        ("a@acme.example", {"acknowledge_per_hour": 0}, "acknowledge_per_hour", "from 1 to 1,000"),
        ("a@acme.example", {"acknowledge_subject": "a\nb"}, "acknowledge_subject", "one line"),
        ("a@acme.example", {"acknowledge_text": "Dear {name}"}, "acknowledge_text", "{name} stands for nothing"),
        ("a@acme.example", {"acknowledge_text": "x" * 4_001}, "acknowledge_text", "at most 4,000"),
        ("a@acme.example", {"acknowledge_reply_to": "nobody"}, "acknowledge_reply_to", "no mail address"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_reason_beside_the_field(
    target: str, options: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(ActionError) as refused:
        Email().check(target, options)
    assert words in " ".join(refused.value.problems[field])


def test_addresses_are_kept_in_one_spelling() -> None:
    checked = Email().check(" Olga@Acme.Example;adam@bücher.example\nolga@acme.example ", {})
    assert checked.target == "Olga@acme.example, adam@xn--bcher-kva.example"


def test_options_can_be_typed_as_text() -> None:
    """As the command line gives them."""
    typed = {"lead_types": "3, 4", "acknowledge": "on", "acknowledge_per_hour": "5"}
    checked = Email().check("olga@acme.example", typed)
    assert checked.options["lead_types"] == [3, 4]
    assert checked.options["acknowledge"] is True
    assert checked.options["acknowledge_per_hour"] == 5
    assert Email().check(checked.target, checked.options) == checked
