"""Mail servers as they are: busy, strict, slow, gone, or showing the wrong certificate."""

from __future__ import annotations

import email
import ssl
import uuid

import pytest
import trustme
from pytest_django import Settings

from stagewise.notify.models import Delivery, Mail
from tests.notify.email.post import Post
from tests.support.cast import Cast
from tests.support.mailbox import CLOSE, HANG, Mailbox, accepts, free_port, mail_server, scripted_server, use

LATER = ("421 busy, closing", "451 try again later", "450 mailbox in use")
NEVER = ("550 no such user here", "553 mailbox name not allowed")


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", LATER)
def test_an_answer_that_begins_with_4_means_later(
    post: Post, cast: Cast, settings: Settings, verb: str, answer: str
) -> None:
    with scripted_server({verb: answer}) as there:
        use(settings, there.port)
        outcome = post.send(post.channel(), cast.acme.lead)
    assert not outcome.final
    assert outcome.status == int(answer[:3])
    assert outcome.problem == f"sales@acme.example: The mail server said {answer[:3]}: {answer[4:]}"


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("answer", NEVER)
def test_an_answer_that_begins_with_5_means_never(
    post: Post, cast: Cast, settings: Settings, verb: str, answer: str
) -> None:
    with scripted_server({verb: answer}) as there:
        use(settings, there.port)
        outcome = post.send(post.channel(), cast.acme.lead)
    assert outcome.final
    assert outcome.status == int(answer[:3])


@pytest.mark.parametrize("verb", ["", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("fault", [HANG, CLOSE])
def test_a_server_that_hangs_or_hangs_up_is_tried_again(cast: Cast, settings: Settings, verb: str, fault: str) -> None:
    post = Post(cast.acme, patience_s=0.2)
    answers = {verb: fault} if verb != "EHLO" else {"EHLO": fault, "HELO": fault}
    with scripted_server(answers) as there:
        use(settings, there.port)
        delivery = post.event(post.channel(), cast.acme.lead)
        outcome = post.attempt(delivery)
        assert not outcome.final
        assert ("did not answer in time" if fault == HANG else "closed the connection") in outcome.problem
        there.answers.update({"": "220 scripted", "DATA": "354 go on"})
        for mended in ("EHLO", "HELO", "MAIL", "RCPT", "."):
            there.answers[mended] = "250 OK"
        assert post.attempt(delivery).problem == ""


@pytest.mark.parametrize("fault", [CLOSE, HANG, "451 try again later"])
def test_a_mail_that_may_have_been_taken_is_sent_again_under_its_id(cast: Cast, settings: Settings, fault: str) -> None:
    """After the text was handed over, nobody knows: rather two mails than none, and mailboxes know the second."""
    post = Post(cast.acme, patience_s=0.2)
    with scripted_server({".": fault}) as there:
        use(settings, there.port)
        delivery = post.event(post.channel(), cast.acme.lead)
        assert post.attempt(delivery).problem != ""
        there.answers["."] = "250 OK"
        post.now += 5_000
        assert post.attempt(delivery).problem == ""
    first, second = (email.message_from_bytes(text)["Message-ID"].strip() for text in there.texts)
    assert first == second
    assert first.startswith(f"<{uuid.UUID(str(delivery.public_id)).hex}.")


def test_a_channel_of_its_own_has_ids_of_its_own(post: Post, cast: Cast, server: Mailbox) -> None:
    """Two channels are told of one event; a mailbox that is in both must not take the second mail for the first."""
    first = post.event(post.channel(), cast.acme.lead)
    second = post.event(post.channel(name="Other"), cast.acme.lead)
    second.public_id = first.public_id
    for delivery in (first, second):
        post.attempt(delivery)
    assert len({mail.message["Message-ID"] for mail in server.received}) == 2


def test_nobody_there_is_tried_again(post: Post, cast: Cast, settings: Settings) -> None:
    use(settings, free_port())
    outcome = post.send(post.channel(), cast.acme.lead)
    assert not outcome.final
    assert "refused the connection" in outcome.problem


def test_without_a_mail_server_nothing_counts_as_sent(post: Post, cast: Cast, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    outcome = post.send(post.channel(), cast.acme.lead)
    assert not outcome.final
    assert "STAGEWISE_SMTP_URL" in outcome.problem


def test_a_retry_writes_only_to_those_who_have_not_got_the_mail(post: Post, cast: Cast, server: Mailbox) -> None:
    server.answers["b@acme.example"] = "451 try again later"
    delivery = post.event(post.channel("a@acme.example, b@acme.example, c@acme.example"), cast.acme.lead)
    assert "b@acme.example" in post.attempt(delivery).problem
    assert [mail.recipients for mail in server.received] == [["a@acme.example"], ["c@acme.example"]]
    server.answers.clear()
    assert post.attempt(delivery).problem == ""
    assert [mail.recipients for mail in server.received[2:]] == [["b@acme.example"]]


def test_one_who_is_refused_for_good_is_told_after_all_others_have_it(post: Post, cast: Cast, server: Mailbox) -> None:
    server.answers.update({"a@acme.example": "550 no such user", "b@acme.example": "451 try again later"})
    delivery = post.event(post.channel("a@acme.example, b@acme.example"), cast.acme.lead)
    assert not post.attempt(delivery).final
    server.answers["b@acme.example"] = "250 OK"
    outcome = post.attempt(delivery)
    assert outcome.final
    assert "a@acme.example" in outcome.problem
    assert [mail.recipients for mail in server.received] == [["b@acme.example"]]


def test_sending_again_writes_to_who_was_refused(post: Post, cast: Cast, server: Mailbox) -> None:
    server.answers["a@acme.example"] = "550 no such user"
    delivery = post.event(post.channel("a@acme.example, b@acme.example"), cast.acme.lead)
    assert post.attempt(delivery).final
    server.answers.clear()
    assert post.resend(delivery).problem == ""
    assert [mail.recipients for mail in server.received] == [["b@acme.example"], ["a@acme.example"]]


def test_sending_again_what_arrived_is_a_mail_with_an_id_of_its_own(post: Post, cast: Cast, server: Mailbox) -> None:
    delivery = post.event(post.channel(), cast.acme.lead)
    post.attempt(delivery)
    for _ in range(2):
        assert post.resend(delivery).problem == ""
    assert len({mail.message["Message-ID"] for mail in server.received}) == 3


def killed(delivery: Delivery) -> Delivery:
    """The delivery as a worker leaves it that is killed before it has written down what came of its try."""
    delivery.history.all().delete()
    delivery.tries = 0
    return delivery


def test_a_worker_that_was_killed_after_its_mails_left_no_second_ones(post: Post, cast: Cast, server: Mailbox) -> None:
    delivery = post.event(post.channel("a@acme.example, b@acme.example"), cast.acme.lead)
    post.attempt(delivery)
    assert post.attempt(killed(delivery)).problem == ""
    assert len(server.received) == 2


def test_a_worker_that_was_killed_with_a_mail_in_hand_doubles_that_one_under_its_id(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    delivery = post.event(post.channel("a@acme.example, b@acme.example"), cast.acme.lead)
    post.attempt(delivery)
    Mail.objects.filter(address="b@acme.example").update(state="trying")
    post.attempt(killed(delivery))
    assert len(server.of("a@acme.example")) == 1
    assert len({mail.message["Message-ID"] for mail in server.of("b@acme.example")}) == 1
    assert len(server.of("b@acme.example")) == 2


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> trustme.CA:
    """A certificate authority that this machine believes."""
    made = trustme.CA()
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(path)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    return made


def certificate(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_mail_is_encrypted_after_starttls_and_the_password_goes_over_that(
    post: Post, cast: Cast, settings: Settings, authority: trustme.CA
) -> None:
    login = {"authenticator": accepts("me", "secret"), "auth_required": True}
    with mail_server(certificate(authority, "localhost"), **login) as there:
        use(settings, there.port, "localhost")
        settings.EMAIL_USE_TLS = True
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "me", "secret"
        assert post.send(post.channel(), cast.acme.lead).problem == ""
        assert there.received[0].encrypted
        settings.EMAIL_HOST_PASSWORD = "wrong"
        outcome = post.send(post.channel(name="Other"), cast.acme.lead)
    assert outcome.status == 535
    assert not outcome.final, "the password will be mended, and then the mail is to leave"


@pytest.mark.parametrize("name", ["mail.example", "127.0.0.2"])
def test_a_certificate_for_another_name_gets_no_mail(
    post: Post, cast: Cast, settings: Settings, authority: trustme.CA, name: str
) -> None:
    with mail_server(certificate(authority, name)) as there:
        use(settings, there.port, "localhost")
        settings.EMAIL_USE_TLS = True
        outcome = post.send(post.channel(), cast.acme.lead)
    assert "certificate was not accepted" in outcome.problem
    assert not outcome.final
    assert there.received == []


def test_a_certificate_of_an_unknown_authority_gets_no_mail(post: Post, cast: Cast, settings: Settings) -> None:
    with mail_server(certificate(trustme.CA(), "localhost")) as there:
        use(settings, there.port, "localhost")
        settings.EMAIL_USE_TLS = True
        assert "certificate was not accepted" in post.send(post.channel(), cast.acme.lead).problem
    assert there.received == []


def test_a_server_that_knows_no_tls_gets_no_mail_where_it_is_asked_for(
    post: Post, cast: Cast, settings: Settings, server: Mailbox
) -> None:
    settings.EMAIL_USE_TLS = True
    assert "does not offer" in post.send(post.channel(), cast.acme.lead).problem
    assert server.received == []
