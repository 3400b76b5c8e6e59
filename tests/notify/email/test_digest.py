"""Above 20 mails to somebody in ten minutes, the others come in one; and every lead is in some mail."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest

from stagewise.leads import working
from stagewise.leads.models import Lead
from stagewise.notify.channels.email import digest
from stagewise.notify.models import Delivery, DeliveryState
from tests.notify.email.post import MINUTE, Post
from tests.support import cast as casting
from tests.support.cast import Cast
from tests.support.mailbox import Mailbox


def leads(cast: Cast, count: int, first: int = 1) -> list[Lead]:
    return [casting.lead(cast.acme, name=f"Visitor number {number};") for number in range(first, first + count)]


def many_leads(cast: Cast, count: int, first: int) -> list[Lead]:
    like = cast.acme.lead
    common = {"workspace": like.workspace, "endpoint": like.endpoint, "lead_type": like.lead_type, "stage": like.stage}
    return Lead.objects.bulk_create(
        Lead(
            public_id=uuid4(),
            name=f"Visitor number {number};",
            phone=like.phone,
            email=like.email,
            created_at=0,
            **common,
        )
        for number in range(first, first + count)
    )


def told_of(server: Mailbox) -> set[str]:
    """The visitors that some mail names."""
    return {name for mail in server.received for name in re.findall(r"Visitor number \d+;", mail.body("plain"))}


def test_the_twenty_first_mail_waits_for_the_digest(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    outcomes = [post.send(channel, lead) for lead in leads(cast, 23)]
    assert len(server.received) == 20
    assert [outcome.problem for outcome in outcomes] == [""] * 23
    assert outcomes[-1].answer == "Mails: 1 gathered for a digest."
    assert post.pass_time(9.9) == []
    [outcome] = post.pass_time(0.1)
    assert outcome.problem == ""
    mail = server.received[-1]
    assert mail.message["Subject"] == "3 new leads in Acme Studio"
    assert told_of(server) == {f"Visitor number {number};" for number in range(1, 24)}


def test_a_digest_links_every_lead_and_shows_its_phone(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    made = leads(cast, 22)
    for lead in made:
        post.send(channel, lead)
    post.pass_time(10)
    mail = server.received[-1]
    for lead in made[20:]:
        assert f'href="http://127.0.0.1:8001/w/acme/leads/{lead.public_id}/"' in mail.body("html")
    assert mail.body("html").count("+1 202 555 0123") == 2
    assert mail.message["Reply-To"] is None


def test_when_it_is_quiet_again_mails_come_one_by_one(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    for lead in leads(cast, 25):
        post.send(channel, lead)
    post.pass_time(10)
    post.pass_time(10)
    server.received.clear()
    post.send(channel, cast.acme.lead)
    assert server.received[0].message["Subject"] == "New lead: General, My website"


def test_while_a_digest_gathers_all_goes_into_it_so_that_the_order_stays(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    channel = post.channel()
    made = leads(cast, 21)
    for lead in made:
        post.send(channel, lead)
    post.now += 9 * MINUTE
    post.send(channel, made[-1], "lead.stage_changed", previous_stage="New")
    post.pass_time(1)
    mail = server.received[-1]
    assert len(server.received) == 21
    assert mail.message["Subject"] == "2 messages in Acme Studio"
    assert "moved to another stage" in mail.body("plain")


def test_each_recipient_has_a_digest_and_a_limit_of_their_own(post: Post, cast: Cast, server: Mailbox) -> None:
    both = post.channel("a@acme.example, b@acme.example", name="Both")
    made = leads(cast, 21)
    for lead in made[:20]:
        post.send(both, lead)
    post.send(post.channel("c@acme.example", name="Third"), made[20])
    assert len(server.of("c@acme.example")) == 1
    post.send(both, made[20])
    assert len(server.received) == 41
    post.pass_time(10)
    assert [len(server.of(f"{who}@acme.example")) for who in "abc"] == [21, 21, 1]


def test_all_channels_of_a_workspace_count_for_one_mailbox(post: Post, cast: Cast, server: Mailbox) -> None:
    one, two = post.channel(name="One"), post.channel(name="Two")
    for lead in leads(cast, 15):
        post.send(one, lead)
        post.send(two, lead)
    assert len(server.received) == 20


def test_alerts_and_tests_are_never_gathered(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    for lead in leads(cast, 25):
        post.send(channel, lead)
    server.received.clear()
    post.send(channel, None, "alert.raised", words="x")
    post.send(channel, None, "test")
    assert len(server.received) == 2


def test_a_digest_that_could_not_be_sent_is_tried_again_with_the_same_leads(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    channel = post.channel()
    made = leads(cast, 22)
    for lead in made:
        post.send(channel, lead)
    post.now += 5 * MINUTE
    for lead in leads(cast, 20, first=23):
        post.send(channel, lead)
    server.answers["DATA"] = "451 try again later"
    [outcome] = post.pass_time(5)
    assert outcome.problem
    late = casting.lead(cast.acme, name="Visitor number 99;")
    post.send(channel, late)
    server.answers.clear()
    assert [each.problem for each in post.pass_time(1)] == [""]
    first = server.received[-1]
    assert "Visitor number 22;" in first.body("plain")
    assert "Visitor number 99;" not in first.body("plain")
    post.pass_time(10)
    assert "Visitor number 99;" in told_of(server)


def test_a_worker_that_dies_with_a_lead_in_hand_leaves_it_in_one_mail_or_another(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    """Its deliveries are tried again from the start: what was gathered is found gathered, nothing is gathered twice."""
    channel = post.channel()
    for lead in leads(cast, 20):
        post.send(channel, lead)
    gathered = post.event(channel, casting.lead(cast.acme, name="Visitor number 21;"))
    post.attempt(gathered)
    gathered.history.all().delete()
    Delivery.objects.filter(pk=gathered.pk).update(state=DeliveryState.WAITING, tries=0)
    gathered.refresh_from_db()
    post.attempt(gathered)
    post.pass_time(10)
    assert len(server.received) == 21
    assert server.received[-1].body("plain").count("Visitor number 21;") == 1


def test_a_lead_that_was_deleted_meanwhile_is_a_line_without_its_data(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    made = leads(cast, 22)
    for lead in made:
        post.send(channel, lead)
    gone = str(made[-1].public_id)
    working.delete_lead(made[-1])
    post.pass_time(10)
    text = server.received[-1].body("plain")
    assert "Visitor number 22;" not in text
    assert "A lead that has been deleted" in text
    assert gone in text


def test_who_is_no_longer_a_recipient_gets_no_digest(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel("a@acme.example, b@acme.example")
    for lead in leads(cast, 22):
        post.send(channel, lead)
    channel.target = "a@acme.example"
    channel.save()
    outcomes = post.pass_time(10)
    assert [outcome.problem for outcome in outcomes] == ["", ""]
    assert len(server.of("b@acme.example")) == 20


def test_a_digest_can_be_sent_again(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    for lead in leads(cast, 22):
        post.send(channel, lead)
    post.pass_time(10)
    post.resend(Delivery.objects.get(kind="lead.digest"))
    assert server.received[-1].body("plain") == server.received[-2].body("plain")


def test_a_backlog_after_an_outage_does_not_bury_anybody(post: Post, cast: Cast, server: Mailbox) -> None:
    """Leads that came slowly while the mail server was away leave together when it is back."""
    channel = post.channel()
    server.answers["DATA"] = "451 try again later"
    waiting = []
    for lead in leads(cast, 60):
        waiting.append(post.event(channel, lead))
        post.attempt(waiting[-1])
        post.now += MINUTE
    server.answers.clear()
    post.now += 60 * MINUTE
    for delivery in waiting:
        post.attempt(delivery)
    assert len(server.received) == 20
    post.pass_time(10)
    assert len(server.received) == 21
    assert len(told_of(server)) == 60


@pytest.mark.parametrize("count", [400, *(pytest.param(many, marks=pytest.mark.soak) for many in (2_000, 10_000))])
@pytest.mark.slow
def test_a_flood_of_an_hour_is_thirty_mails_at_most_and_no_lead_is_missing(
    post: Post, cast: Cast, server: Mailbox, count: int
) -> None:
    channel = post.channel()
    for first in range(0, count, 100):
        for lead in many_leads(cast, 100, first):
            post.now += 60 * MINUTE // count
            post.send(channel, lead)
        post.pass_time(0)
    post.pass_time(10)
    assert 20 < len(server.received) <= 30
    assert len(told_of(server)) == count
    assert max(len(mail.content) for mail in server.received) < 3_000_000


def test_of_a_digest_that_is_too_large_the_rest_is_counted(
    post: Post, cast: Cast, server: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "MOST_ITEMS", 5)
    channel = post.channel()
    for lead in leads(cast, 30):
        post.send(channel, lead)
    post.pass_time(10)
    text = server.received[-1].body("plain")
    assert "10 new leads" in text
    assert text.count("Visitor number") == 5
    assert "5 more are in Stagewise" in text
