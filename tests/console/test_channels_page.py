"""Channels: adding and changing them, trying them out, and seeing how they do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import AuditEntry, User
from stagewise.backup.restoring import WHY_PAUSED
from stagewise.notify import actions, sealed
from stagewise.notify.channels import Outcome
from stagewise.notify.models import Channel, Delivery
from tests.console.pages import Page, read, send
from tests.notify.workbench import OK, REFUSED, Recorder
from tests.support.cast import Cast, channel, delivery, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PAGE = "/w/acme/channels/"
ADD = f"{PAGE}add/recorder/"
NEW = {"name": "CRM", "target": "https://crm.example.com/hook", "events": ["lead.created", "lead.deleted"]}
HOUR = 3_600_000


@pytest.fixture
def olga(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.olga)


@pytest.fixture
def vera(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.vera)


def crm(cast: Cast, **fields: Any) -> Channel:
    """A saved channel of the tests' own kind."""
    return channel(cast.acme, "CRM", kind="recorder", target="https://crm.example.com/hook", **fields)


def test_without_channels_the_page_offers_each_kind(cast: Cast, olga: Client, vera: Client) -> None:
    page = read(olga, PAGE)
    assert "Nobody is told of new leads yet" in page.text
    for name, label in {"email": "E-mail", "webhook": "Webhook", "slack": "Slack", "telegram": "Telegram"}.items():
        assert f"{PAGE}add/{name}/" in page.html
        assert label in page.text
    assert "Owners and admins can add one" in read(vera, PAGE).text


def test_a_channel_is_added_and_its_secret_shown_once(cast: Cast, olga: Client, recorder: Recorder) -> None:
    answer = olga.post(ADD, NEW)
    page = Page(answer.status_code, answer.content.decode())
    assert (page.status, answer["Cache-Control"]) == (200, "no-store")
    assert "secret 1" in page.text
    made = Channel.objects.get()
    assert (made.name, made.kind, made.events) == ("CRM", "recorder", ["lead.created", "lead.deleted"])
    assert "secret 1" not in made.secret
    for path in (PAGE, f"{PAGE}{made.pk}/", f"{PAGE}{made.pk}/edit/"):
        assert "secret 1" not in read(olga, path).text


def test_a_kind_without_a_secret_of_ours_leads_to_the_channel(cast: Cast, olga: Client) -> None:
    fields = {"name": "Sales team", "target": "sales@example.com", "events": "lead.created"}
    page = send(olga, f"{PAGE}add/email/", **fields, acknowledge_per_hour="30")
    assert "“Sales team” is here." in page.text
    assert "sales@example.com" in page.text


def test_what_cannot_be_used_is_refused_beside_its_field(cast: Cast, olga: Client) -> None:
    page = send(olga, f"{PAGE}add/email/", name="", target="nobody", acknowledge_per_hour="many")
    assert page.status == 422
    assert "“many” is no whole number." in page.text
    page = send(olga, f"{PAGE}add/email/", name=" ", target="nobody", acknowledge_per_hour="30")
    assert page.status == 422
    assert "“nobody” is no mail address" in page.text
    assert "Choose at least one event." in page.text
    assert page.values["target"] == "nobody"
    assert not Channel.objects.exists()


def test_a_second_channel_of_a_name_is_refused(cast: Cast, olga: Client, recorder: Recorder) -> None:
    crm(cast)
    page = send(olga, ADD, **NEW)
    assert "There is a channel “CRM” already." in page.text
    assert Channel.objects.count() == 1


def test_a_kind_that_does_not_exist_is_not_found(cast: Cast, olga: Client) -> None:
    assert read(olga, f"{PAGE}add/pigeon/").status == 404
    assert send(olga, f"{PAGE}add/..%2Femail/", **NEW).status == 404


def test_a_test_event_before_saving_keeps_nothing(cast: Cast, olga: Client, recorder: Recorder) -> None:
    page = send(olga, ADD, **NEW, test="on")
    assert "The test event arrived" in page.text
    assert recorder.got[0][1]["type"] == "test"
    assert page.values["name"] == "CRM"
    assert not Channel.objects.exists()
    assert not Delivery.objects.exists()


def test_a_test_event_that_fails_says_what_the_receiver_said(cast: Cast, olga: Client, recorder: Recorder) -> None:
    recorder.answer = lambda _name, _payload: Outcome(500, "The receiver answered 500.", "<b>Out of order</b>")
    page = send(olga, ADD, **NEW, test="on")
    assert "The test event did not arrive" in page.text
    assert "<b>Out of order</b>" in page.text
    assert "b" not in page.tags


def test_a_test_event_of_a_saved_channel_is_among_its_deliveries(cast: Cast, olga: Client, recorder: Recorder) -> None:
    made = crm(cast)
    assert "The test event arrived within" in send(olga, f"{PAGE}{made.pk}/test/").text
    recorder.answer = lambda _name, _payload: REFUSED
    page = send(olga, f"{PAGE}{made.pk}/test/")
    assert "The test event did not arrive. The receiver answered 500." in page.text
    assert page.text.count("A test event") == 2


def test_a_channel_is_changed(cast: Cast, olga: Client, recorder: Recorder) -> None:
    made = crm(cast)
    page = read(olga, f"{PAGE}{made.pk}/edit/")
    assert (page.values["name"], page.values["target"]) == ("CRM", "https://crm.example.com/hook")
    page = send(olga, f"{PAGE}{made.pk}/edit/", name="Their CRM", target="there", events=["lead.updated"])
    assert "Saved." in page.text
    made.refresh_from_db()
    assert (made.name, made.target, made.events) == ("Their CRM", "there", ["lead.updated"])
    assert AuditEntry.objects.filter(action="channel.changed", actor="olga@example.com").exists()


def test_a_url_that_is_a_secret_is_not_shown_and_stays_when_nothing_is_typed(cast: Cast, olga: Client) -> None:
    url = "https://hooks.slack.com/services/T000/B000/verysecret"
    made = channel(cast.acme, "#leads", kind="slack", target="https://hooks.slack.com/…", secret=sealed.seal(url))
    page = read(olga, f"{PAGE}{made.pk}/edit/")
    assert "verysecret" not in page.html
    assert page.values["target"] == ""
    assert send(olga, f"{PAGE}{made.pk}/edit/", name="#sales", target="", events=["lead.created"]).status == 200
    made.refresh_from_db()
    assert (made.name, sealed.open_sealed(made.secret)) == ("#sales", url)


def test_options_of_mail_are_kept_and_shown(cast: Cast, olga: Client) -> None:
    member, sales = cast.agnes.memberships.get(), cast.acme.types[1]
    fields = {"name": "Sales team", "target": "", "events": ["lead.created"], "acknowledge_per_hour": "5"}
    send(olga, f"{PAGE}add/email/", **fields, members=[member.pk], lead_types=[sales.pk], acknowledge="on")
    made = Channel.objects.get()
    assert (made.options["members"], made.options["lead_types"]) == ([member.pk], [sales.pk])
    assert (made.options["acknowledge"], made.options["acknowledge_per_hour"]) == (True, 5)
    page = read(olga, f"{PAGE}{made.pk}/edit/")
    assert "acknowledge" in page.checked
    assert re.search(rf'name="members"\s+value="{member.pk}"\s+checked', page.html)
    assert not re.search(rf'name="lead_types"\s+value="{cast.acme.types[0].pk}"\s+checked', page.html)
    send(olga, f"{PAGE}{made.pk}/edit/", **{**fields, "target": "sales@example.com"})
    made.refresh_from_db()
    assert (made.options["members"], made.options["acknowledge"]) == ([], False)


def test_pausing_can_be_undone(cast: Cast, olga: Client, recorder: Recorder) -> None:
    made = crm(cast)
    page = send(olga, f"{PAGE}{made.pk}/pause/", paused="on")
    assert "is paused. What happens meanwhile waits for it." in page.text
    assert "Undo" in page.text
    made.refresh_from_db()
    assert made.paused_at is not None
    assert "Paused just now" in read(olga, PAGE).text
    assert "Resume" in read(olga, f"{PAGE}{made.pk}/").text
    send(olga, f"{PAGE}{made.pk}/pause/", paused="off")
    made.refresh_from_db()
    assert made.paused_at is None


def test_what_a_restore_has_paused_goes_on_by_one_click(cast: Cast, olga: Client, vera: Client) -> None:
    restored = crm(cast, paused_at=1, paused_because=WHY_PAUSED)
    other = channel(cast.acme, "Else", kind="recorder", target="https://b.example/hook", paused_at=1)
    theirs = channel(cast.next_door, "Theirs", kind="recorder", target="https://b.example/hook", paused_at=1)
    Channel.objects.filter(pk=theirs.pk).update(paused_because=WHY_PAUSED)

    def paused() -> set[int]:
        return set(Channel.objects.exclude(paused_at=None).values_list("pk", flat=True))

    assert "1 channel was paused when a backup was restored." in read(vera, PAGE).text
    assert "Resume all" not in read(vera, PAGE).text
    page = send(olga, f"{PAGE}resume/")
    assert "1 channel goes on." in page.text
    assert "Resume all" not in page.text
    assert paused() == {other.pk, theirs.pk}
    send(olga, f"{PAGE}resume/", pause=f"{restored.pk},{theirs.pk}")
    assert paused() == {restored.pk, other.pk, theirs.pk}
    assert "Resume all" in read(olga, PAGE).text
    actions_of = AuditEntry.objects.filter(workspace=cast.acme.workspace, action__startswith="channel.").order_by("id")
    assert list(actions_of.values_list("action", flat=True))[-2:] == ["channel.resumed", "channel.paused"]


def test_a_rotated_secret_is_shown_once_and_a_reload_makes_no_other(
    cast: Cast, olga: Client, recorder: Recorder
) -> None:
    made, _ = actions.add_channel(cast.acme.workspace, "recorder", "CRM", "there")
    edit = read(olga, f"{PAGE}{made.pk}/edit/")
    assert "Rotate the secret" in edit.text
    assert "secret 2" in send(olga, f"{PAGE}{made.pk}/rotate/", seen=edit.values["seen"]).text
    again = send(olga, f"{PAGE}{made.pk}/rotate/", seen=edit.values["seen"])
    assert "This page was old" in again.text
    made.refresh_from_db()
    assert sealed.open_sealed(made.secret) == "secret 2"
    assert sealed.open_sealed(made.old_secret) == "secret 1"


def test_a_kind_without_a_secret_of_ours_cannot_be_rotated(cast: Cast, olga: Client) -> None:
    made = channel(cast.acme)
    assert "Rotate the secret" not in read(olga, f"{PAGE}{made.pk}/edit/").text
    assert "has no secret" in send(olga, f"{PAGE}{made.pk}/rotate/").text


def test_a_channel_is_removed_after_asking(cast: Cast, olga: Client) -> None:
    made = channel(cast.acme)
    delivery(made)
    page = read(olga, f"{PAGE}{made.pk}/remove/")
    assert "1 of which still waits" in page.text
    page = send(olga, f"{PAGE}{made.pk}/remove/")
    assert "“Sales team” was removed." in page.text
    assert not Channel.objects.exists()


def test_the_list_says_how_each_channel_does(cast: Cast, vera: Client) -> None:
    now = now_ms()
    works, fails, gone, new = (channel(cast.acme, name) for name in ("Works", "Fails", "Gone", "New"))
    delivery(works, state="done", tries=1, settled_at=now - 2 * HOUR)
    Channel.objects.filter(pk=fails.pk).update(failing_since=now - 3 * HOUR)
    delivery(fails, tries=3)
    delivery(fails, state="failed", tries=10, settled_at=now)
    Channel.objects.filter(pk=gone.pk).update(paused_at=now - 5 * HOUR, paused_because="It answered 410 Gone.")
    text = read(vera, PAGE).text
    assert "Works E-mail Last delivery 2 hours ago" in text
    assert "Fails E-mail Failing, for the first time 3 hours ago sales@example.com · 1 waiting · 1 failed" in text
    assert "Gone E-mail Paused 5 hours ago It answered 410 Gone. What happens meanwhile waits." in text
    assert "New E-mail Nothing was sent yet" in text
    assert new.pk


def test_many_channels_and_deliveries_ask_the_database_no_more_than_few(
    cast: Cast, olga: Client, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    made = channel(cast.acme)
    delivery(made, tries=1)
    paths = (PAGE, f"{PAGE}{made.pk}/", f"/w/acme/leads/{cast.acme.lead.public_id}/")
    delivery(made, lead_id=cast.acme.lead.pk)
    few = {}
    for path in paths:
        read(olga, path)
        with django_assert_max_num_queries(30 if "/leads/" in path else 14) as asked:
            read(olga, path)
        few[path] = len(asked)
    for number in range(12):
        other = channel(cast.acme, f"Channel {number}")
        for _ in range(3):
            delivery(other, tries=1, lead_id=cast.acme.lead.pk, state="done", settled_at=1)
            delivery(made, tries=1, lead_id=cast.acme.lead.pk)
    for path in paths:
        with django_assert_num_queries(few[path]):
            read(olga, path)


def test_deliveries_are_listed_by_state_and_page_by_page(cast: Cast, vera: Client) -> None:
    made = channel(cast.acme)
    for _ in range(51):
        delivery(made, state="done", tries=1, settled_at=1)
    delivery(made, state="failed", tries=10, settled_at=1)
    page = read(vera, f"{PAGE}{made.pk}/")
    assert page.html.count("Open the delivery") == 50
    older = page.html.partition(">Older<")[0].rpartition('href="')[2].partition('"')[0]
    page = read(vera, f"{PAGE}{made.pk}/{older.replace('&amp;', '&')}")
    assert page.html.count("Open the delivery") == 2
    assert read(vera, f"{PAGE}{made.pk}/?state=failed").html.count("Open the delivery") == 1
    assert "There is nothing of the kind." in read(vera, f"{PAGE}{made.pk}/?state=waiting").text
    assert read(vera, f"{PAGE}{made.pk}/?state=%3Cb%3E&before=x").status == 200


def test_a_leads_page_says_who_was_told(cast: Cast, vera: Client) -> None:
    path = f"/w/acme/leads/{cast.acme.lead.public_id}/"
    other = lead(cast.acme)
    made = channel(cast.acme)
    delivery(made, lead_id=cast.acme.lead.pk, state="done", tries=2, settled_at=1)
    assert "Sales team · A lead came in · Delivered" in read(vera, path).text
    assert "Sales team" not in read(vera, f"/w/acme/leads/{other.public_id}/").text


def test_answers_are_recorded_as_worked(cast: Cast, olga: Client, recorder: Recorder) -> None:
    recorder.answer = lambda _name, _payload: OK
    made = crm(cast)
    send(olga, f"{PAGE}{made.pk}/test/")
    assert "Last delivery just now" in read(olga, f"{PAGE}{made.pk}/").text
