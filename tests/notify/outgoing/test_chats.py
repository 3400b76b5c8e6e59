"""Chats: what visitors send is text there and nothing else, whatever it looks like."""

from __future__ import annotations

import html.parser
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Workspace
from stagewise.notify import wording
from stagewise.notify.channels import OpenChannel, Outcome, kind
from stagewise.notify.channels.discord import channel as discord
from stagewise.notify.channels.slack import channel as slack
from stagewise.notify.channels.teams import channel as teams
from stagewise.notify.channels.telegram import channel as telegram
from stagewise.notify.models import Delivery
from stagewise.notify.outbound import Outbound
from tests.corpus.rows import ROWS
from tests.notify.outgoing.sinks import Sink, say

pytestmark = pytest.mark.django_db

#: What would be a mention, a link or formatting in one of the chats, at every place of a text.
TRICKS = [
    "@everyone @here <@1234> <@&1234> <#1234> </cmd:1> <id:customize> @channel",
    "<!channel> <!here> <!everyone> <@U123> <!subteam^S1> <https://evil.example|your bank> &lt;!channel&gt;",
    "*bold* _italic_ ~gone~ `code` ```block``` **strong** __under__ ||spoiler|| [bank](https://evil.example) :smile:",
    "# heading\n## heading\n-# small\n> quote\n>>> all of it\n- item\n* item\n1. item\n![picture](https://evil.example/x.png)",
    "</pre></code><b>bold</b><a href='https://evil.example'>bank</a> @durov #tag $TAG /start t.me/x &amp; &#60;b&#62;",
    "<at>Everybody</at> {{DATE(2026-01-01T00:00:00Z,SHORT)}} ${expression} <t:1700000000:R> <a:x:1>",
    "back\\slash \\*not\\* \\",
    "\u202egnp.exe\u2066 turned \u2067around",
    "a\u2028b\u2029c\x07\x1b[31m\x00",
    "&" * 5_000,
    "*" * 5_000,
    "\U0001f600" * 5_000,
    "a\n" * 5_000,
]


def texts() -> Iterator[str]:
    """All texts of the corpus, whether they are taken or refused, and the tricks of chats."""
    yield from TRICKS
    for row in ROWS:
        try:
            document = json.loads(row.body or b"")
        except (ValueError, RecursionError):
            continue
        if isinstance(document, dict):
            yield from (value for value in document.values() if isinstance(value, str))


TEXTS = sorted(set(texts()))


@pytest.fixture
def place() -> Workspace:
    return Workspace.objects.create(name="Acme", slug="acme")


def payload_of(text: str, kind_of_event: str = "lead.created") -> dict[str, Any]:
    """A lead that says ``text`` in every field that a visitor fills in."""
    return {
        "type": kind_of_event,
        "id": str(uuid.uuid4()),
        "timestamp": "2026-01-01T12:00:00.000Z",
        "data": {
            "id": str(uuid.uuid4()),
            "name": text,
            "phone": text,
            "email": text,
            "message": text,
            "lead_type": {"name": text},
            "stage": text,
            "previous_stage": text,
            "endpoint": text,
            "attribution": {"utm_source": text, "utm_campaign": text, "page_url": text},
        },
    }


def words_of(place: Workspace) -> Iterator[tuple[str, wording.Words]]:
    for text in TEXTS:
        yield text, wording.words(payload_of(text), place.pk)


def strings(value: object) -> Iterator[str]:
    """All strings in a document, its keys left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def test_the_corpus_is_there() -> None:
    assert len(TEXTS) > 150


def test_words_are_short_and_turn_nothing_around(place: Workspace) -> None:
    for _, words in words_of(place):
        assert len(words.title) <= wording.TITLE
        assert all(len(value) <= wording.VALUE and "\n" not in value for _, value in words.rows)
        assert len(words.message) <= wording.MESSAGE
        everything = words.title + words.message + "".join(value for _, value in words.rows)
        assert not re.search(
            "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", everything
        )


# Each chat by its own rules


def test_slack_finds_neither_mention_nor_link_nor_formatting(place: Workspace) -> None:
    for _, words in words_of(place):
        message = slack.message(words)
        ours = f"<{words.url}|{words.button}>"
        assert [each for each in strings(message) if re.search("[<>]", each)] == [ours]
        assert not any(re.search("&(?!amp;|lt;|gt;)", each) for each in strings(message))
        assert (message["mrkdwn"], message["parse"], message["link_names"]) == (False, "none", False)
        formatted = [block for block in message["blocks"] if block.get("text", {}).get("type") == "mrkdwn"]
        assert [block["text"]["text"] for block in formatted] == [ours]
        assert len(message["blocks"][0]["text"]["text"]) <= 150
        assert all(len(each) <= 3_000 for each in strings(message))


def test_discord_reads_nothing_as_markdown_and_mentions_nobody(place: Workspace) -> None:
    for _, words in words_of(place):
        message = discord.message(words)
        assert message["allowed_mentions"] == {"parse": []}
        assert "content" not in message
        (embed,) = message["embeds"]
        escaped = [embed["title"], embed.get("description", ""), *(field["value"] for field in embed.get("fields", []))]
        for each in escaped:
            assert not re.search(r"[!-/:-@\[-`{-~]", re.sub(r"\\[!-/:-@\[-`{-~]", "", each))
        assert len(embed["title"]) <= 256
        assert len(embed.get("description", "")) <= 4_096
        assert all(len(field["value"]) <= 1_024 for field in embed.get("fields", []))
        shown = [*escaped, *(field["name"] for field in embed.get("fields", []))]
        assert sum(len(each.encode("utf-16-le")) // 2 for each in shown) <= 6_000


def test_discord_shows_the_text_as_it_was_typed(place: Workspace) -> None:
    message = discord.message(wording.words(payload_of("*a*_b_ \\c <@1>"), place.pk))
    assert re.sub(r"\\(.)", r"\1", message["embeds"][0]["description"]) == "*a*_b_ \\c <@1>"


def test_teams_gets_visitors_text_in_text_runs_only(place: Workspace) -> None:
    for text, words in words_of(place):
        message = teams.message(words)
        card = message["attachments"][0]["content"]
        assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
        assert {run["type"] for block in card["body"] for run in block["inlines"]} == {"TextRun"}
        assert "entities" not in card["msteams"]
        assert [set(action) for action in card["actions"]] == [{"type", "title", "url"}]
        assert card["actions"][0]["url"] == words.url
        assert len(json.dumps(message, ensure_ascii=False).encode()) < 28 * 1024, ascii(text)


class _Html(html.parser.HTMLParser):
    """Reads Telegram's HTML: which elements there are, and which text stands in which."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str | None] = []
        self.inside: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in {"b", "code", "pre", "a"}
        assert not self.open
        self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        where = self.open[-1] if self.open else ""
        self.inside[where] = self.inside.get(where, "") + data


def test_telegram_gets_visitors_text_where_it_looks_for_nothing(place: Workspace) -> None:
    for _, words in words_of(place):
        found = _Html()
        found.feed(telegram.text(words))
        found.close()
        assert not found.open
        assert found.links == [words.url]
        assert found.inside["b"] == words.title
        assert found.inside.get("code", "") == "".join(value for _, value in words.rows)
        shown = found.inside.get("pre", "")
        assert shown == words.message or words.message.startswith(shown.removesuffix("…"))
        labels = set(found.inside.get("", "").replace(":", "").split())
        assert labels <= {"Name", "Phone", "E-mail", "Stage", "Source", "Campaign", "Page"}
        assert len("".join(found.inside.values()).encode("utf-16-le")) // 2 <= 4_096


# Over the wire

SECRETS = {
    "slack": "https://hooks.slack.com/services/T000/B000/s3cr3tpath",
    "discord": "https://discord.com/api/webhooks/123456/s3cr3tpath",
    "teams": "https://prod-1.westeurope.logic.azure.com:443/workflows/s3cr3tpath/triggers/manual?sig=s3cr3tquery",
    "telegram": "123456789:s3cr3tpathAAAAAAAAAAAAAAAAAAAAAAAAA",
}
HOSTS = {
    "slack": "hooks.slack.com",
    "discord": "discord.com",
    "teams": "prod-1.westeurope.logic.azure.com",
    "telegram": "api.telegram.org",
}
CHATS = list(SECRETS)
AsHost = Callable[[str], Sink]


def welcome(chat: str) -> Any:
    return say(200, b'{"ok": true}') if chat == "telegram" else say(200, b"ok")


def deliver(chat: str, place: Workspace, payload: dict[str, Any] | None = None) -> Outcome:
    options = {"chat": "-100123"} if chat == "telegram" else {}
    checked = kind(chat).check(SECRETS[chat], options)
    channel = OpenChannel(1, "Chat", checked.target, checked.options, checked.secret)
    delivery = Delivery(workspace_id=place.pk, kind="lead.created")
    return kind(chat).deliver(channel, delivery, payload or payload_of("Zoë & <Co>"))


@pytest.mark.parametrize("chat", CHATS)
def test_a_message_arrives_encrypted_at_the_chats_own_name(chat: str, place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS[chat])
    sink.reply = welcome(chat)
    assert deliver(chat, place).problem == ""
    (got,) = sink.requests
    assert sink.names == [HOSTS[chat]]
    assert got.method == "POST"
    assert got.headers["content-type"] == "application/json"
    assert "s3cr3tpath" in got.path
    assert "Zoë" in json.dumps(json.loads(got.body), ensure_ascii=False)


@pytest.mark.parametrize("chat", CHATS)
def test_what_people_see_of_the_channel_holds_no_secret(chat: str, place: Workspace, as_host: AsHost) -> None:
    as_host(HOSTS[chat])
    checked = kind(chat).check(SECRETS[chat], {"chat": "@sales"} if chat == "telegram" else {})
    assert checked.secret == SECRETS[chat]
    assert "s3cr3t" not in checked.target + json.dumps(checked.options)


@pytest.mark.parametrize("chat", CHATS)
def test_what_is_kept_checks_again_as_it_is(chat: str, as_host: AsHost) -> None:
    as_host(HOSTS[chat])
    checked = kind(chat).check(SECRETS[chat], {"chat": "@sales"} if chat == "telegram" else {})
    assert kind(chat).check(checked.secret or "", checked.options) == checked


@pytest.mark.parametrize("chat", CHATS)
def test_a_secret_that_the_chat_repeats_is_not_kept(chat: str, place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS[chat])
    sink.reply = lambda connection, request: say(500, f"no {request.path} {SECRETS[chat]}".encode())(
        connection, request
    )
    came_of_it = deliver(chat, place)
    assert came_of_it.problem
    assert "s3cr3t" not in came_of_it.answer + came_of_it.problem


@pytest.mark.parametrize("chat", CHATS)
def test_a_chat_that_knows_the_channel_no_longer_pauses_it(chat: str, place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS[chat])
    sink.reply = say(404, b"no such webhook")
    assert deliver(chat, place).gone


@pytest.mark.parametrize("chat", CHATS)
def test_a_chat_that_wants_fewer_messages_says_when_to_come_again(chat: str, place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS[chat])
    sink.reply = say(429, b'{"ok": false, "parameters": {"retry_after": 33}}', "Retry-After: 33\r\n")
    came_of_it = deliver(chat, place)
    assert (came_of_it.retry_after_s, came_of_it.gone) == (33, False)


@pytest.mark.parametrize("chat", CHATS)
@pytest.mark.parametrize(
    "event",
    [
        {"type": "lead.deleted", "data": {"id": "0199-x", "deleted": True}},
        {
            "type": "attempt.refused",
            "data": {"endpoint": "My <b>", "refused": 1200, "by_code": {"ip_not_allowed": 1200}},
        },
        {"type": "alert.raised", "data": {"title": "No leads", "text": "Since Monday.", "advice": "Send one."}},
        {"type": "alert.resolved", "data": {"title": "No leads", "text": "Since Monday.", "advice": "Send one."}},
        {"type": "test", "data": {"message": "This is a test."}},
    ],
    ids=lambda event: event["type"],
)
def test_every_kind_of_event_has_its_words(chat: str, event: dict[str, Any], place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS[chat])
    sink.reply = welcome(chat)
    assert deliver(chat, place, {"id": "x", "timestamp": "2026-01-01T12:00:00.000Z", **event}).problem == ""
    sent = json.dumps(json.loads(sink.requests[0].body), ensure_ascii=False)
    said = {
        "lead.deleted": ["Lead deleted", "0199"],
        "attempt.refused": ["Calls were refused", "1,200" if chat != "discord" else "1\\\\,200"],
        "alert.raised": ["Alert", "No leads", "Since Monday", "Send one"],
        "alert.resolved": ["In order again", "Since Monday"],
        "test": ["Test from Stagewise", "This is a test"],
    }[event["type"]]
    assert [each for each in said if each not in sent] == []


# What is refused beside its field


@pytest.mark.parametrize(
    ("chat", "target"),
    [
        ("slack", ""),
        ("slack", "https://acme.slack.com/archives/C123"),
        ("slack", "http://hooks.slack.com/services/T/B/x"),
        ("slack", "https://127.0.0.1/services/T/B/x"),
        ("discord", "https://discord.com/channels/1/2"),
        ("discord", "https://discord.com/api/webhooks/1/token/slack"),
        ("teams", "https://user:password@acme.webhook.office.com/webhookb2/x"),
        ("teams", "https://acme.webhook.office.com/"),
        ("telegram", ""),
        ("telegram", "https://api.telegram.org/bot123456789:AAE/sendMessage"),
        ("telegram", "123456789"),
    ],
)
def test_what_is_no_webhook_of_the_chat_is_refused(chat: str, target: str, shared: Callable[..., Outbound]) -> None:
    shared(resolve=lambda _name, _port: [("93.184.215.14", 443)])
    with pytest.raises(ActionError) as told:
        kind(chat).check(target, {"chat": "1"} if chat == "telegram" else {})
    assert list(told.value.problems) == ["target"]


@pytest.mark.parametrize("chat_id", ["", "everybody", "@a", "1 2", "@x?y=z"])
def test_telegram_wants_the_id_of_a_chat(chat_id: str) -> None:
    with pytest.raises(ActionError) as told:
        kind("telegram").check(SECRETS["telegram"], {"chat": chat_id})
    assert list(told.value.problems) == ["chat"]


def test_telegrams_chat_may_be_typed_behind_the_token() -> None:
    checked = kind("telegram").check(f" {SECRETS['telegram']}/-100123 ", {})
    assert (checked.secret, checked.options) == (SECRETS["telegram"], {"chat": "-100123"})


def test_a_gateway_that_speaks_a_chats_language_may_take_its_place(
    sink: Sink, shared: Callable[..., Outbound], place: Workspace
) -> None:
    shared("127.0.0.1")
    checked = kind("slack").check(f"{sink.url}/for/slack", {})
    channel = OpenChannel(1, "Chat", checked.target, checked.options, checked.secret)
    assert kind("slack").deliver(channel, Delivery(workspace_id=place.pk), payload_of("Ada")).problem == ""
    assert sink.requests[0].path == "/for/slack"


# What only one of them does


def test_telegrams_own_words_are_told(place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS["telegram"])
    sink.reply = say(400, b'{"ok": false, "description": "Bad Request: chat not found"}')
    came_of_it = deliver("telegram", place)
    assert came_of_it.problem == "Telegram answered: Bad Request: chat not found."
    assert came_of_it.gone


@pytest.mark.parametrize("body", [b"", b"ok", b"[]", b"{}", b'{"ok": false}', b"[" * 100_000])
def test_a_200_that_is_not_telegrams_is_a_failure(body: bytes, place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS["telegram"])
    sink.reply = say(200, body)
    assert deliver("telegram", place).problem == "What answered was not Telegram."


def test_a_200_with_which_teams_tells_of_a_failure_is_one(place: Workspace, as_host: AsHost) -> None:
    sink = as_host(HOSTS["teams"])
    sink.reply = say(
        200, b"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429"
    )
    assert deliver("teams", place).problem == "Teams took the message, but could not post it."
