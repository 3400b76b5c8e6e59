"""The routes for visitors, answered in the lane's process before its own.

- ``GET /form/{key}``: the page of an endpoint, if its owner has switched it on; ``/form/{key}/thanks`` after sending
- ``POST /form/{key}``: a form as browsers post it, from that page or from a website's, which the caller rules decide
- ``GET /public/v1/leads/{key}/challenge``: a puzzle of ALTCHA
- ``GET /form.js``, ``/form.css``: the script for websites, and the page's style sheet
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from stagewise.core import policy
from stagewise.core.addresses import CallerReader
from stagewise.core.ids import request_id
from stagewise.forms.answers import load_assets, send_asset, send_bytes, send_page, usable_url
from stagewise.forms.page import form_page, note_page, thanks_page
from stagewise.forms.post import Posts, read_headers
from stagewise.forms.shown import UNREADABLE, can_be_sent, form_of
from stagewise.forms.words import words_for
from stagewise.intake.body import Receive
from stagewise.intake.caller import Headers, is_json, text
from stagewise.intake.replies import ALWAYS, HeaderList, Replies, Send
from stagewise.options import attribution
from stagewise.options.captcha import CHALLENGE_S, altcha_key
from stagewise.store.view import Entry

if TYPE_CHECKING:
    from stagewise.intake.app import Intake, Scope

_FORM = re.compile(r"/form/([A-Za-z0-9_-]{22,64})(/thanks)?")
_CHALLENGE = re.compile(r"/public/v1/leads/([A-Za-z0-9_-]{22,64})/challenge")
_READING = {"GET", "HEAD"}
#: What a link to the page may bring along: ``/form/{key}?utm_source=newsletter``.
_CARRIED = {*attribution.CAMPAIGN, *attribution.CLICK_IDS}


class Forms:
    """Answers what is for visitors; made inside the event loop.

    ``base`` is the public URL, ``files`` the folder of the built files, ``secret_key`` the installation's.
    """

    def __init__(
        self, intake: Intake, reader: CallerReader, replies: Replies, base: str, files: Path, secret_key: str
    ) -> None:
        self._intake = intake
        self._replies = replies
        self._secret_key = secret_key
        self._posts = Posts(intake, reader, base)
        self._assets = load_assets(files)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Answer the request if its path is one of ours; false: it is for somebody else."""
        path: str = scope["path"]
        asset = self._assets.get(path)
        if asset is not None and scope["method"] in _READING:
            known = dict(scope["headers"]).get(b"if-none-match", b"")
            await send_asset(send, asset, known, request_id(), body=scope["method"] == "GET")
        elif match := _CHALLENGE.fullmatch(path):
            await self._challenge(scope, match[1], send)
        elif path.startswith("/form/"):
            found = _FORM.fullmatch(path)
            if found is None:
                await _refuse(send, "not_found", 404, request_id())
            else:
                await self._form(scope, found[1], found[2] is not None, receive, send)
        else:
            return False
        return True

    async def _form(self, scope: Scope, key: str, thanks: bool, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method in _READING:
            await self._page(scope, key, thanks, send)
        elif method != "POST" or thanks:
            await _refuse(send, "method_not_allowed", 405, request_id())
        else:
            said = read_headers(scope["headers"])
            if len(said.types) == 1 and is_json(said.types[0]):
                # Our own script: it wants the endpoint's answers, not pages.
                origin = text(dict(scope["headers"]).get(b"origin", b""))
                hosted = self._posts.is_own(origin, said.host)
                await self._intake.receive_lead(scope, key, receive, send, hosted=hosted)
            else:
                await self._posts.answer(scope, key, said, receive, send)

    async def _page(self, scope: Scope, key: str, thanks: bool, send: Send) -> None:
        name = request_id()
        try:
            entry = await self._intake.ledger.entry(key)
        except UNREADABLE:
            await _refuse(send, "unavailable", 503, name, retry_after=2)
            return
        if entry is not None and thanks:
            await send_page(send, 200, thanks_page(entry.options.form), name)
        elif entry is None or not entry.options.form.enabled:
            await _refuse(send, "not_found", 404, name)
        elif _is_closed(entry):
            await _refuse(send, "endpoint_disabled", 410, name)
        elif not can_be_sent(entry):
            await _refuse(send, "unavailable", 503, name)
        else:
            form = form_of(key, entry, _carried(scope))
            await send_page(send, 200, form_page(form), name, next_url=usable_url(form.rules.next_url))

    async def _challenge(self, scope: Scope, key: str, send: Send) -> None:
        name = request_id()
        try:
            entry = await self._intake.ledger.entry(key)
        except UNREADABLE:
            await self._replies.plain_refusal(send, "unavailable", name)
            return
        cors = _cors(entry, scope["headers"])

        async def send_readably(event: dict[str, Any]) -> None:
            """Let the page's script read refusals too."""
            if event["type"] == "http.response.start":
                event = {**event, "headers": [*event["headers"], *cors]}
            await send(event)

        captcha = entry.options.captcha if entry else None
        if scope["method"] not in _READING:
            await self._replies.plain_refusal(send_readably, "method_not_allowed", name)
        elif entry is None or captcha is None or captcha.provider != "altcha":
            await self._replies.plain_refusal(send_readably, "not_found", name)
        elif _is_closed(entry):
            await self._replies.plain_refusal(send_readably, "endpoint_disabled", name)
        else:
            from stagewise_client.captcha import altcha_challenge

            challenge = altcha_challenge(altcha_key(self._secret_key, entry.rules.endpoint_id), expires_s=CHALLENGE_S)
            headers: HeaderList = [(b"content-type", b"application/json"), (b"x-request-id", name.encode()), *ALWAYS]
            content = json.dumps(challenge, separators=(",", ":")).encode()
            await send_bytes(send_readably, 200, headers, content, body=scope["method"] == "GET")


def _is_closed(entry: Entry) -> bool:
    return not entry.rules.enabled or entry.is_retired(time.time_ns() // 1_000_000)


def _cors(entry: Entry | None, headers: Headers) -> HeaderList:
    if entry is None:
        return []
    origin = dict(headers).get(b"origin")
    allowed = policy.allow_origin(entry.rules, None if origin is None else text(origin))
    return [] if allowed is None else [(b"access-control-allow-origin", allowed.encode("latin-1"))]


def _carried(scope: Scope) -> dict[str, str]:
    """What the page's hidden fields remember of how the visitor got here."""
    query = scope["query_string"].decode("latin-1")
    try:
        found = {name: value[:1_000] for name, value in parse_qsl(query, max_num_fields=100) if name in _CARRIED}
    except ValueError:
        found = {}
    referrer = read_headers(scope["headers"]).referrer
    return {**found, "referrer": referrer} if referrer else found


async def _refuse(send: Send, outcome: str, status: int, name: str, retry_after: int | None = None) -> None:
    page = note_page(words_for(outcome, status, retry_after))
    await send_page(send, status, page, name, retry_after=retry_after)
