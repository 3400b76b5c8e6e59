"""Whatever visitors send: one mail, the headers that we wrote, the HTML that we wrote."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from stagewise.core import fields
from stagewise.leads.models import Lead
from stagewise.notify.channels.email import letters, views
from stagewise.notify.channels.email.posting import Postman
from stagewise.notify.models import Channel
from tests.corpus.rows import ROWS, Row
from tests.notify.email.post import Post
from tests.support import cast as casting
from tests.support.cast import Cast
from tests.support.mailbox import Mailbox, Received

HEADERS = {
    "Content-Type", "MIME-Version", "Subject", "From", "To", "Reply-To", "Date", "Message-ID", "Auto-Submitted",
    "X-Auto-Response-Suppress",
}  # fmt: skip
OURS = ("tel:+", "tel:", "mailto:", "http://127.0.0.1:8001/w/acme/")


class Elements(HTMLParser):
    """The elements of a page with the names of their attributes, what they link to, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "br":  # one for each line of a message
            self.found.append((tag, tuple(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "background", "action"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def kept_fields(row: Row) -> fields.Fields | None:
    """The fields of the row as the lane would store them, where it would."""
    if not row.accepted:
        return None
    found = fields.check(row.sent())
    return found if isinstance(found, fields.Fields) else None


def raw_fields(row: Row) -> dict[str, str]:
    """What the row sends, as if nothing had been checked; of a body that is no object, all of it in every field."""
    body = row.body if row.body is not None else row.connection
    assert body is not None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        document = dict.fromkeys(("name", "phone", "email", "message"), body.decode("utf-8", "replace")[:5_000])
    return {name: str(document.get(name) or "") for name in ("name", "phone", "email", "message")}


ACCEPTED = {row.id: kept for row in ROWS if (kept := kept_fields(row)) is not None}


def one_mail(post: Post, channel: Channel, lead: Lead, server: Mailbox) -> Received:
    """The mail of the lead, sent at a time of its own, so that none is gathered."""
    post.now += 11 * 60_000
    server.received.clear()
    outcome = post.send(channel, lead)
    assert outcome.problem == ""
    assert len(server.received) == 1
    return server.received[0]


def is_ours(mail: Received, lead: Lead | None = None) -> None:
    """That envelope, headers and the bytes on the wire are as for every lead."""
    assert mail.recipients == ["sales@acme.example"]
    assert mail.sender == "leads@acme.example"
    message = mail.message
    assert set(message.keys()) <= HEADERS
    assert len(set(message.keys())) == len(message.keys())
    assert message["From"] == "Stagewise <leads@acme.example>"
    assert message["To"] == "sales@acme.example"
    assert message["Subject"] == "New lead: General, My website"
    if lead is not None and message["Reply-To"] is not None:
        assert message["Reply-To"].rpartition("@")[0] == lead.email.rpartition("@")[0]
    assert [part.get_content_type() for part in message.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", mail.content) is None
    assert max(map(len, mail.content.split(b"\r\n"))) <= 998
    mail.content.decode("ascii")


@pytest.mark.slow
def test_every_row_of_the_corpus_makes_one_mail_with_our_headers_and_our_html(
    post: Post, cast: Cast, server: Mailbox
) -> None:
    assert len(ACCEPTED) > 130
    channel = post.channel()
    for row, kept in ACCEPTED.items():
        known = {"name": kept.name, "phone": kept.phone, "phone_e164": kept.phone_e164, "email": kept.email}
        lead = casting.lead(cast.acme, **known, message=kept.message)
        plain = casting.lead(cast.acme, phone_e164=kept.phone_e164, message=kept.message and "Call me.")
        mail = one_mail(post, channel, lead, server)
        is_ours(mail, lead)
        page = Elements(mail.body("html"))
        assert page.found == Elements(one_mail(post, channel, plain, server).body("html")).found, row
        assert all(link.startswith(OURS) for link in page.links), row
        for written in (kept.name, kept.phone, kept.email):
            assert " ".join(written.split()) in " ".join(page.text.split()), row
            assert " ".join(written.split()) in " ".join(mail.body("plain").split()), row


def test_even_what_the_endpoint_refuses_could_make_no_header_and_no_element(cast: Cast, server: Mailbox) -> None:
    """The mail is safe by itself: every row of the corpus, with nothing checked before it."""
    footer = letters.Footer("Because.", "http://127.0.0.1:8001/w/acme/")
    plain: dict[tuple[bool, ...], list[tuple[str, tuple[str, ...]]]] = {}
    with Postman() as postman:
        for row in ROWS:
            sent = raw_fields(row)
            data = {"id": str(cast.acme.lead.public_id), "lead_type": {"name": "General"}, "endpoint": "My website"}
            view = views.of_lead(cast.acme.workspace, "lead.created", {**data, **sent})
            server.received.clear()
            assert postman.send(letters.letter(view, footer, "sales@acme.example", "<a@acme.example>")).problem == ""
            [mail] = server.received
            is_ours(mail)
            page = Elements(mail.body("html"))
            assert all(link.startswith(OURS) for link in page.links), row
            shape = (
                bool(sent["phone"].strip()),
                bool(sent["email"].strip()),
                bool(view.message),
                "tel:" in str(page.links),
            )
            assert page.found == plain.setdefault(shape, page.found), row
    assert ("b", ()) not in plain[True, True, True, True]


@pytest.mark.parametrize(
    "message",
    [
        "first\n.\nMAIL FROM:<evil@example.net>\nRCPT TO:<victim@example.net>\nDATA\nsecond",
        "first\r\n.\r\nMAIL FROM:<evil@example.net>\r\nsecond",
        "first\r.\rMAIL FROM:<evil@example.net>\rsecond",
        "first\n.\r\nsecond",
        "first\r\n.\nsecond",
        "first\n\r.\r\nsecond",
        ".",
        "..\n.",
        "=2E\n=0D=0A.=0D=0A",
        "x" * 5_000,
    ],
)
def test_no_message_ends_the_mail_and_begins_another(post: Post, cast: Cast, server: Mailbox, message: str) -> None:
    lead = casting.lead(cast.acme, message=message)
    mail = one_mail(post, post.channel(), lead, server)
    is_ours(mail, lead)
    assert "".join(message.split()) in "".join(Elements(mail.body("html")).text.split())


def test_even_a_visitors_text_in_a_name_of_ours_makes_no_header(post: Post, cast: Cast, server: Mailbox) -> None:
    """Names of types and endpoints are checked when they are saved; what if one were not?"""
    there, lead_type = cast.acme.endpoint, cast.acme.types[0]
    there.name, lead_type.name = "A\r\nBcc: victim@example.net\u202e" + "é" * 60, "Büro " * 15
    there.save()
    lead_type.save()
    mail = one_mail(post, post.channel(), Lead.objects.get(pk=cast.acme.lead.pk), server)
    assert mail.message["Bcc"] is None
    assert mail.recipients == ["sales@acme.example"]
    subject = mail.message["Subject"].strip()
    assert f"{'Büro ' * 14}Büro, A Bcc: victim@example.net" in subject
    assert len(subject) == 120
    assert "\u202e" not in subject


def test_the_checker_would_see_an_element_of_a_visitor(post: Post, cast: Cast, server: Mailbox) -> None:
    mail = one_mail(post, post.channel(), cast.acme.lead, server)
    html = mail.body("html")
    tampered = html.replace("Grace Hopper", "Grace <b onclick=x>Hopper</b>")
    assert Elements(tampered).found != Elements(html).found
