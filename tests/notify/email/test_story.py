"""From the endpoint to the mailbox, with real processes: a channel, a crowd of leads, a worker that is killed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

import pytest

from tests.support.installation import Installation
from tests.support.mailbox import Mailbox, free_port, mail_server
from tests.support.processes import Process
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with mail_server() as found:
        yield found


def has(mailbox: Mailbox, mails: int) -> bool:
    return len(mailbox.received) >= mails


def told(mailbox: Mailbox) -> set[str]:
    """The visitors that some mail names."""
    return {name for mail in mailbox.received for name in re.findall(r"Visitor \d+;", mail.body("plain"))}


def prepared(installation: Installation, leads: int) -> None:
    """A channel, and leads that nobody has been told of."""
    installation.stagewise("channel", "add", "email", "Sales", "sales@acme.example")
    installation.set_endpoint(max_leads_per_ip=None)
    server = installation.intake()
    for number in range(leads):
        assert server.post_lead(name=f"Visitor {number};").status == 201


def worker(installation: Installation, mailbox: Mailbox) -> Process:
    url = f"smtp://127.0.0.1:{mailbox.port}"
    return installation.start(
        "worker", "--port", str(free_port()), smtp_url=url, mail_from="Stagewise <leads@acme.example>"
    )


def end_of_digest(installation: Installation) -> None:
    """Ten minutes go by, as far as the digest is concerned, and it is sent."""
    installation.sql("UPDATE delivery SET next_at = 0 WHERE kind = 'lead.digest'")
    eventually(lambda: installation.count("delivery", "state = 'waiting'") == 0)


def test_twenty_leads_are_mails_and_the_others_a_digest(installation: Installation, mailbox: Mailbox) -> None:
    """Three workers at once count together."""
    prepared(installation, 25)
    for _ in range(3):
        worker(installation, mailbox)
    eventually(lambda: installation.count("delivery", "kind = 'lead.created' AND state = 'done'") == 25)
    assert len(mailbox.received) == 20
    assert installation.count("mail", "state = 'gathered'") == 5
    end_of_digest(installation)
    assert len(mailbox.received) == 21
    assert told(mailbox) == {f"Visitor {number};" for number in range(25)}


@pytest.mark.parametrize("mails", [9, pytest.param(3, marks=pytest.mark.soak)])
def test_workers_that_are_killed_lose_no_lead_and_double_one_mail_at_most(
    installation: Installation, mailbox: Mailbox, mails: int
) -> None:
    """Each of them is killed when it has sent so many mails."""
    prepared(installation, 40)
    kills = 0
    while len(mailbox.received) < 18:
        enough = min(len(mailbox.received) + mails, 18)
        process = worker(installation, mailbox)
        eventually(partial(has, mailbox, enough))
        process.kill()
        kills += 1
        installation.sql("UPDATE delivery SET lease = 0, lease_until = 0")
    worker(installation, mailbox)
    eventually(lambda: installation.count("delivery", "kind = 'lead.created' AND state = 'done'") == 40)
    end_of_digest(installation)
    assert told(mailbox) == {f"Visitor {number};" for number in range(40)}
    assert len(mailbox.received) <= 21 + kills
    ids = [mail.message["Message-ID"] for mail in mailbox.received]
    assert len(set(ids)) <= 21
