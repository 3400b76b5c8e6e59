"""The confirmation to who wrote: off at first, without a word of theirs, and never many."""

from __future__ import annotations

import uuid

import pytest

from stagewise.leads import held
from stagewise.notify.models import Acknowledgement, Channel, Delivery
from tests.notify.email.post import MINUTE, Post
from tests.support import cast as casting
from tests.support.cast import Cast
from tests.support.mailbox import Mailbox, Received

DAY = 24 * 60 * MINUTE


@pytest.fixture
def channel(post: Post) -> Channel:
    """A channel that confirms."""
    return post.channel(acknowledge=True)


def confirmations(server: Mailbox) -> list[Received]:
    return [mail for mail in server.received if mail.message["Auto-Submitted"] == "auto-replied"]


def test_nothing_is_confirmed_unless_the_owner_wants_it(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), cast.acme.lead)
    assert confirmations(server) == []


def test_who_wrote_is_told_that_it_arrived(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    outcome = post.send(channel, cast.acme.lead)
    [mail] = confirmations(server)
    assert mail.recipients == ["grace@example.com"]
    assert mail.message["To"] == "grace@example.com"
    assert mail.message["Subject"] == "We have received your message"
    assert "thank you for your message to Acme Studio" in mail.message.get_content()
    assert "Confirmation to who wrote: sent." in outcome.answer


def test_it_holds_nothing_that_the_visitor_wrote(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    words = {"name": "Buy cheap pills", "message": "Visit spam.example {company}", "phone": "+1 202 555 0199"}
    post.send(channel, casting.lead(cast.acme, **words))
    [mail] = confirmations(server)
    for word in ("pills", "spam", "0199"):
        assert word not in mail.content.decode()


def test_robots_know_it_for_an_automatic_answer(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    post.send(channel, cast.acme.lead)
    [mail] = confirmations(server)
    assert mail.message["Auto-Submitted"] == "auto-replied"
    assert mail.message["X-Auto-Response-Suppress"] == "All"


def test_the_owner_writes_the_words(post: Post, cast: Cast, server: Mailbox) -> None:
    words = {
        "acknowledge_subject": "Danke – {company}",
        "acknowledge_text": "Guten Tag,\r\n\r\nIhre Nachricht an {website} ist da.",
        "acknowledge_reply_to": "office@acme.example",
    }
    post.send(post.channel(acknowledge=True, **words), cast.acme.lead)
    [mail] = confirmations(server)
    assert mail.message["Subject"] == "Danke – Acme Studio"
    assert mail.message["Reply-To"] == "office@acme.example"
    assert mail.message.get_content().splitlines() == ["Guten Tag,", "", "Ihre Nachricht an My website ist da."]


def test_a_name_with_braces_is_not_filled_in_again(post: Post, cast: Cast, server: Mailbox) -> None:
    cast.acme.endpoint.name = "{company}"
    cast.acme.endpoint.save()
    post.send(post.channel(acknowledge=True, acknowledge_text="To {website}."), cast.acme.lead)
    assert confirmations(server)[0].message.get_content().strip() == "To {company}."


def test_an_address_gets_one_in_24_hours_in_whatever_spelling(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    spellings = ("victim@example.com", "Victim@Example.com", "victim+1@example.com", "VICTIM+more@example.com")
    for email in spellings:
        post.send(channel, casting.lead(cast.acme, email=email))
    assert len(confirmations(server)) == 1
    post.now += DAY - 1
    post.send(channel, casting.lead(cast.acme, email="victim@example.com"))
    assert len(confirmations(server)) == 1
    post.now += 1
    post.send(channel, casting.lead(cast.acme, email="victim@example.com"))
    assert len(confirmations(server)) == 2


def test_two_channels_that_confirm_send_one(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    for each in (channel, post.channel(name="Second", acknowledge=True)):
        post.send(each, cast.acme.lead)
    assert len(confirmations(server)) == 1


def test_an_endpoint_sends_so_many_in_an_hour(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel(acknowledge=True, acknowledge_per_hour=5)
    for number in range(12):
        post.send(channel, casting.lead(cast.acme, email=f"visitor{number}@example.com"))
    assert len(confirmations(server)) == 5
    post.now += 60 * MINUTE
    post.send(channel, casting.lead(cast.acme, email="late@example.com"))
    assert len(confirmations(server)) == 6


def test_a_lead_in_a_digest_is_confirmed_all_the_same(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    for number in range(22):
        post.send(channel, casting.lead(cast.acme, email=f"visitor{number}@example.com"))
    assert len(confirmations(server)) == 22


def test_only_the_chosen_endpoints_confirm(post: Post, cast: Cast, server: Mailbox) -> None:
    other = cast.next_door.endpoint.pk
    post.send(post.channel(acknowledge=True, acknowledge_endpoints=[other]), cast.acme.lead)
    assert confirmations(server) == []
    chosen = post.channel(name="Chosen", acknowledge=True, acknowledge_endpoints=[cast.acme.endpoint.pk])
    post.send(chosen, cast.acme.lead)
    assert len(confirmations(server)) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"test": True},
        {"endpoint": None},
        {"email": "noreply@example.com"},
        {"email": "MAILER-DAEMON@example.com"},
        {"email": "leads@acme.example"},
        {"email": "jürgen@example.de"},
    ],
)
def test_some_leads_are_never_confirmed(
    post: Post, channel: Channel, cast: Cast, server: Mailbox, fields: dict[str, object]
) -> None:
    post.send(channel, casting.lead(cast.acme, **fields))
    assert confirmations(server) == []


def test_a_lead_that_was_held_is_not_confirmed_when_it_is_released(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    [lead] = held.release(cast.acme.workspace, [uuid.UUID(str(cast.acme.held.public_id))])
    post.send(channel, lead)
    assert len(server.received) == 1
    assert confirmations(server) == []


def test_other_events_of_a_lead_confirm_nothing(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    post.send(channel, cast.acme.lead, "lead.stage_changed")
    assert confirmations(server) == []


def test_a_confirmation_that_could_not_leave_is_sent_with_the_next_try_and_once(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    server.answers["grace@example.com"] = "451 try again later"
    delivery = post.event(channel, cast.acme.lead)
    outcome = post.attempt(delivery)
    assert "confirmation to who wrote" in outcome.problem
    assert not outcome.final
    server.answers.clear()
    assert post.attempt(delivery).problem == ""
    assert len(confirmations(server)) == 1
    assert len(server.of("sales@acme.example")) == 1


def test_a_visitors_address_that_does_not_exist_is_no_failure_of_the_channel(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    server.answers["grace@example.com"] = "550 no such user"
    outcome = post.send(channel, cast.acme.lead)
    assert outcome.problem == ""
    assert "550" in outcome.answer


def test_sending_the_notification_again_does_not_confirm_again(
    post: Post, channel: Channel, cast: Cast, server: Mailbox
) -> None:
    delivery: Delivery = post.event(channel, cast.acme.lead)
    post.attempt(delivery)
    post.resend(delivery)
    assert len(confirmations(server)) == 1
    assert len(server.of("sales@acme.example")) == 2


def test_no_address_is_kept_for_counting(post: Post, channel: Channel, cast: Cast, server: Mailbox) -> None:
    post.send(channel, cast.acme.lead)
    row = Acknowledgement.objects.get()
    assert "grace" not in str(vars(row))
