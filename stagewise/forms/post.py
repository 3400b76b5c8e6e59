"""A form as browsers post it: read, decided by the ledger like any other call, and answered with a page."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from stagewise.core import fields
from stagewise.core.addresses import CallerReader
from stagewise.core.origins import check_entry
from stagewise.core.refusal import REFUSALS
from stagewise.core.submission import Submission, fill, fingerprint
from stagewise.forms import posted
from stagewise.forms.answers import send_page, send_see_other, usable_url
from stagewise.forms.page import form_page, note_page
from stagewise.forms.shown import form_of, settings_of
from stagewise.forms.words import words_for
from stagewise.intake.body import BODY_BYTES, Receive, Unreadable, read_rest
from stagewise.intake.caller import Headers, caller_of, read_head, text
from stagewise.intake.replies import Send
from stagewise.store.records import Decision
from stagewise.store.view import Entry

if TYPE_CHECKING:
    from stagewise.intake.app import Intake, Scope

#: After these the form is shown again, as it was filled in: sending it once more may succeed.
_TRY_AGAIN = {409, 422, 429, 503}

#: What is read of a page's address, in bytes.
_REFERRER = 2_000


class Said(msgspec.Struct):
    """What the headers say that matters for a form."""

    types: Sequence[bytes]
    compressed: bool
    length: int | None
    host: str
    referrer: str


def read_headers(headers: Headers) -> Said:
    """Read them; whatever is unusable counts as absent."""
    found: dict[bytes, bytes] = {}
    types = []
    for name, value in headers:
        if name == b"content-type":
            types.append(value)
        found[name] = value
    length = found.get(b"content-length", b"")
    return Said(
        types,
        found.get(b"content-encoding", b"identity").strip().lower() != b"identity",
        int(length[:18]) if length.isdigit() else None,
        text(found.get(b"host", b"")),
        usable_url(found.get(b"referer", b"")[:_REFERRER].decode("latin-1")),
    )


class Posts:
    """Answers ``POST /form/{key}``; ``base`` is the public URL."""

    def __init__(self, intake: Intake, reader: CallerReader, base: str) -> None:
        self._intake = intake
        self._reader = reader
        self._origin = check_entry(base).value

    def is_own(self, origin: str | None, host: str) -> bool:
        """Whether a page of ours posts: its origin is the public URL's, or the one that this request went to.

        No other page can say so: browsers write the header themselves (Fetch standard, section 3.2).
        """
        return origin is not None and (origin == self._origin or origin.partition("://")[2] == host != "")

    async def answer(self, scope: Scope, key: str, said: Said, receive: Receive, send: Send) -> None:
        """Take the form and say with a page what became of it."""
        begun, headers = time.monotonic(), scope["headers"]
        caller = caller_of(self._reader, scope.get("client"), headers)
        target = len(scope["path"]) + len(scope["query_string"])
        submission = read_head("POST", key, target, headers, caller).submission
        if self.is_own(submission.origin, said.host):  # everybody may post there, but not test
            submission.hosted, submission.test = True, None
        sent: dict[str, str] = {}
        decision = await self._intake.decide(submission, begun, self._take(submission, said, receive, sent))
        entry = await settings_of(self._intake.ledger, key)
        if decision.body is not None:
            after = usable_url(entry.options.form.next_url) if entry else ""
            await send_see_other(send, after or f"{key}/thanks", submission.request_id)
        else:
            await _refuse(send, submission, decision, entry, sent, said.referrer)

    async def _take(self, submission: Submission, said: Said, receive: Receive, sent: dict[str, str]) -> None:
        """Fill the submission, and ``sent`` with what the form held."""
        if submission.early_error is None:
            try:
                sent |= posted.decode(await self._body(said, receive))
                _fill(submission, sent, said.referrer)
            except Unreadable as error:
                submission.content_error = error.code

    async def _body(self, said: Said, receive: Receive) -> bytes:
        """The body, under the lane's cap and deadline. Raises :class:`Unreadable`."""
        if said.compressed or not posted.is_form(said.types):
            raise Unreadable("unsupported_media_type")
        if said.length is not None and said.length > BODY_BYTES:
            raise Unreadable("too_large")
        return await self._intake.deadlines.keep(_read(receive))


async def _read(receive: Receive) -> bytes:
    return await read_rest(await receive(), receive)


def _fill(submission: Submission, sent: Mapping[str, str], referrer: str) -> None:
    """Check the fields; a view of our page and what was typed in it make the Idempotency-Key.

    So the same page sent twice makes one lead, and what was changed in between makes another.
    """
    fill(submission, fields.check(sent))
    view = posted.page_view(sent)
    if submission.fields is not None and view is not None:
        submission.idempotency_key = f"{view}-{fingerprint(submission).hex()[:32]}"
    submission.extras = posted.extras(sent, time.time_ns() // 1_000_000, referrer)


async def _refuse(
    send: Send, submission: Submission, decision: Decision, entry: Entry | None, sent: Mapping[str, str], referrer: str
) -> None:
    refusal = REFUSALS[decision.outcome]
    wait = refusal.retry_after
    if decision.outcome == "rate_limited" and decision.figures is not None:
        wait = decision.figures.reset or 1
    words = words_for(decision.outcome, refusal.status, wait)
    # Without a database there are no settings; who sat in front of our page still gets back what was typed.
    enabled = submission.hosted if entry is None else entry.options.form.enabled
    if enabled and sent and refusal.status in _TRY_AGAIN:
        form = form_of(submission.key, entry, sent)
        shown = {error.field: error.detail for error in decision.field_errors if form.has(error.field)}
        hidden = [error.detail for error in decision.field_errors if not form.has(error.field)]
        notice = None if shown else (words[0], hidden[0]) if hidden and decision.outcome != "captcha_failed" else words
        form = msgspec.structs.replace(form, errors=shown, notice=notice)
        page, after = form_page(form), usable_url(form.rules.next_url)
    else:
        page, after = _note(words, submission, decision, sent, referrer), ""
    await send_page(send, refusal.status, page, submission.request_id, next_url=after, retry_after=wait)


def _note(
    words: tuple[str, str], submission: Submission, decision: Decision, sent: Mapping[str, str], referrer: str
) -> str:
    origin = urlsplit(referrer)
    back = referrer if f"{origin.scheme}://{origin.netloc}" == submission.origin else ""
    errors = [error.detail for error in decision.field_errors]
    if errors and decision.outcome != "captcha_failed":
        words = ("Not sent yet", "Please go back, correct this, and send it again. What you typed is still there.")
    return note_page(words, errors=errors, typed=sent, back=back)
