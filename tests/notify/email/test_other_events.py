"""Alerts and counts of refused calls, as mails."""

from __future__ import annotations

import pytest

from tests.notify.email.post import Post
from tests.support.cast import Cast
from tests.support.mailbox import Mailbox

ALERT = {
    "title": "No leads: My website",
    "text": "The last lead came on Mon 23 Nov, 18:30 (UTC).",
    "advice": "Send the form of your website yourself.",
    "raised_at": "2026-11-23T18:30:00.000Z",
    "resolved_at": None,
}
REFUSED = {
    "endpoint": "My website",
    "from": "2026-11-23T17:00:00.000Z",
    "until": "2026-11-23T18:00:00.000Z",
    "refused": 1_007,
    "by_code": {"rate_limited": 7, "ip_not_allowed": 1_000},
}


def test_an_alert_says_what_was_seen_and_what_to_do(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), None, "alert.raised", **ALERT)
    [mail] = server.received
    assert mail.message["Subject"] == "Needs a look: No leads: My website"
    for part in ("plain", "html"):
        assert "The last lead came on Mon 23 Nov, 18:30 (UTC)." in mail.body(part)
        assert "Send the form of your website yourself." in mail.body(part)
        assert "http://127.0.0.1:8001/w/acme/alerts/" in mail.body(part)


def test_that_it_is_over_is_told_without_alarm(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), None, "alert.resolved", **ALERT | {"resolved_at": "2026-11-23T19:00:00.000Z"})
    [mail] = server.received
    assert mail.message["Subject"] == "In order again: No leads: My website"
    assert "Until: Mon 23 Nov 2026, 19:00 (UTC)" in mail.body("plain")
    assert "Send the form" not in mail.body("plain")


def test_refused_calls_are_counted_by_reason_the_most_frequent_first(post: Post, cast: Cast, server: Mailbox) -> None:
    post.send(post.channel(), None, "attempt.refused", **REFUSED)
    [mail] = server.received
    assert mail.message["Subject"] == "Refused: 1,007 calls, My website"
    text = mail.body("plain")
    assert "From 23 Nov, 17:00 to 23 Nov, 18:00 (UTC)." in text
    assert text.index("1,000 times") < text.index("7 times: ")
    assert "(ip_not_allowed)" in text


def test_every_mail_says_how_to_get_no_more_of_them(post: Post, cast: Cast, server: Mailbox) -> None:
    channel = post.channel()
    post.send(channel, cast.acme.lead)
    post.send(channel, None, "alert.raised", **ALERT)
    for mail in server.received:
        assert f"http://127.0.0.1:8001/w/acme/channels/{channel.pk}/" in mail.body("plain")


@pytest.mark.parametrize("kind", ["alert.raised", "alert.resolved", "attempt.refused"])
def test_an_event_with_less_in_it_than_we_know_is_told_all_the_same(
    post: Post, cast: Cast, server: Mailbox, kind: str
) -> None:
    assert post.send(post.channel(), None, kind).problem == ""
    assert len(server.received) == 1
