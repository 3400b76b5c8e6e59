"""One delivery with its tries, and sending again."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import User, Workspace
from stagewise.notify.models import Channel, Delivery, DeliveryTry
from tests.console.pages import Page, read, send
from tests.support.cast import Cast, channel, delivery

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
HOUR, DAY = 3_600_000, 86_400_000


@pytest.fixture
def olga(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.olga)


@pytest.fixture
def to(cast: Cast) -> Channel:
    return channel(cast.acme)


def path(of: Delivery) -> str:
    return f"/w/acme/channels/deliveries/{of.pk}/"


def tried(of: Delivery, **fields: Any) -> None:
    values = {"at": now_ms(), "took_ms": 123, "status": 503, "problem": "The receiver answered 503.", **fields}
    DeliveryTry.objects.create(delivery=of, **values)


def test_every_try_is_shown_with_status_time_and_answer(cast: Cast, olga: Client, to: Channel) -> None:
    made = delivery(to, tries=3, lead_id=cast.acme.lead.pk, next_at=now_ms() + 2 * HOUR)
    tried(made, answer="<h1>Service unavailable</h1>")
    tried(made, status=None, problem="The receiver did not answer within 15 seconds.", took_ms=15_001)
    tried(made, status=204, problem="", took_ms=45)
    page = read(olga, path(made))
    assert "503 just now The receiver answered 503." in page.text
    assert "took 123 ms What was answered <h1>Service unavailable</h1>" in page.text
    assert "No answer just now The receiver did not answer within 15 seconds." in page.text
    assert "took 15,001 ms" in page.text
    assert "204 just now Delivered." in page.text
    assert "Waiting for the next try, in 1 hour" in page.text or "in 2 hours" in page.text
    assert "3 of at most 10 tries" in page.text
    assert "Grace Hopper" in page.text


def test_a_delivery_of_a_deleted_lead_says_so(cast: Cast, olga: Client, to: Channel) -> None:
    assert "Lead was deleted" in read(olga, path(delivery(to, lead_id=987_654))).text


def test_a_lead_next_door_is_never_named(cast: Cast, olga: Client, to: Channel) -> None:
    page = read(olga, path(delivery(to, lead_id=cast.next_door.lead.pk)))
    assert "Lead was deleted" in page.text
    assert str(cast.next_door.lead.public_id) not in page.html


def test_one_delivery_is_sent_again(cast: Cast, olga: Client, to: Channel) -> None:
    made = delivery(to, state="failed", tries=10, settled_at=now_ms())
    page = send(olga, f"{path(made)}resend/")
    assert "It is sent again, under the same id." in page.text
    made.refresh_from_db()
    assert (made.state, made.tries, made.settled_at) == ("waiting", 0, None)


def test_sending_again_to_a_paused_channel_says_that_it_waits(cast: Cast, olga: Client, to: Channel) -> None:
    made = delivery(to, state="failed", tries=10, settled_at=now_ms())
    Channel.objects.filter(pk=to.pk).update(paused_at=now_ms())
    assert "It is sent again once the channel goes on" in send(olga, f"{path(made)}resend/").text


def test_a_test_event_is_not_offered_again(cast: Cast, olga: Client, to: Channel) -> None:
    assert "Send again" not in read(olga, path(delivery(to, kind="test", state="done", tries=1, settled_at=1))).text


def local(at: int, zone: str = "UTC") -> str:
    """A moment as the browser's field sends it."""
    return datetime.datetime.fromtimestamp(at / 1000, ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def resend(olga: Client, to: Channel, since: str, until: str, which: str = "failed") -> Page:
    return send(olga, f"/w/acme/channels/{to.pk}/resend/", since=since, until=until, which=which)


def test_a_range_is_sent_again(cast: Cast, olga: Client, to: Channel) -> None:
    now = now_ms()
    for days in (1, 2, 5):
        delivery(to, state="failed", tries=10, settled_at=now, at=now - days * DAY)
    arrived = delivery(to, state="done", tries=1, settled_at=now, at=now - DAY)
    page = resend(olga, to, local(now - 3 * DAY), local(now - DAY))
    assert "2 deliveries are sent again." in page.text
    assert Delivery.objects.filter(state="waiting").count() == 2
    arrived.refresh_from_db()
    assert arrived.state == "done"
    assert "1 delivery is sent again." in resend(olga, to, local(now - 3 * DAY), local(now), "all").text
    assert "There was nothing to send again" in resend(olga, to, local(now - 3 * DAY), local(now - 2 * DAY + HOUR)).text


def test_a_range_is_read_in_the_workspaces_time_zone(cast: Cast, olga: Client, to: Channel) -> None:
    Workspace.objects.filter(slug="acme").update(time_zone="Pacific/Auckland")
    now = now_ms()
    delivery(to, state="failed", tries=10, settled_at=now, at=now - DAY)
    there = [local(now - DAY + minutes * 60_000, "Pacific/Auckland") for minutes in (-5, 5)]
    assert "1 delivery is sent again." in resend(olga, to, *there).text


@pytest.mark.parametrize(
    ("since", "until"),
    [("", ""), ("2026-01-02T00:00", "2026-01-01T00:00"), ("yesterday", "today"), ("0001-01-01T00:00", "x")],
)
def test_what_is_no_range_sends_nothing(cast: Cast, olga: Client, to: Channel, since: str, until: str) -> None:
    delivery(to, state="failed", tries=10, settled_at=now_ms())
    assert "Nothing was sent again" in resend(olga, to, since, until).text
    assert Delivery.objects.get().state == "failed"
