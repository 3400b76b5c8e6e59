"""Stage one: the head of a request, read in one pass over its headers."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from stagewise.core.addresses import Caller, CallerReader, hop_address
from stagewise.core.ids import request_id
from stagewise.core.submission import UNUSABLE_ORIGIN, Submission
from stagewise.options import canary, source, testing

#: Names and values of all headers, with the four characters that stand between and after them (RFC 9112, section 5).
HEAD_BYTES = 16_384
#: Longer targets are refused; the longest of ours has 80 characters.
URI_BYTES = 2_048
#: What the journal keeps of texts that callers choose.
KEPT_TEXT = 300
#: Longest Idempotency-Key (draft-ietf-httpapi-idempotency-key-header leaves it to us).
KEY_LENGTH = 255

Headers = Sequence[tuple[bytes, bytes]]

_JSON = b"application/json"
_OURS = tuple(header.lower().encode() for header in (source.HEADER, testing.HEADER, canary.HEADER))
_PLAIN_TYPES = {_JSON, b"application/json; charset=utf-8", b"application/json;charset=utf-8"}


class Head(msgspec.Struct):
    """What the headers say beyond the submission itself."""

    submission: Submission
    content_length: int | None
    media_error: str | None
    canary: str | None


def read_head(method: str, key: str, target_bytes: int, headers: Headers, caller: Caller) -> Head:
    """Read the headers of a call of the endpoint; never raises, whatever they hold."""
    size = 0
    host: list[bytes] = []
    types: list[bytes] = []
    origins: list[bytes] = []
    keys: list[bytes] = []
    ours: dict[bytes, list[bytes]] = {}
    length = agent = encoding = None
    chunked = True
    for name, value in headers:
        size += len(name) + len(value) + 4
        if name == b"host":
            host.append(value)
        elif name == b"content-type":
            types.append(value)
        elif name == b"content-length":
            length = value
        elif name == b"origin":
            origins.append(value)
        elif name == b"user-agent":
            agent = value
        elif name == b"idempotency-key":
            keys.append(value)
        elif name == b"transfer-encoding":
            chunked = chunked and value.strip().lower() == b"chunked"
        elif name in _OURS:
            ours.setdefault(name, []).append(value)
        elif name == b"content-encoding":
            encoding = value if encoding is None else encoding + b"," + value
    submission = Submission(
        key=key,
        caller=caller,
        request_id=request_id(),
        origin=_origin(origins) if origins else None,
        user_agent=None if agent is None else text(agent),
        preflight=method == "OPTIONS",
        early_error=_early_error(method, host, size, target_bytes) if chunked else "invalid_request",
        idempotency_key=idempotency_key(keys) if keys else None,
    )
    token = _read_ours(submission, ours) if ours else None
    accepted = len(types) == 1 and is_json(types[0]) and (encoding is None or encoding.strip().lower() == b"identity")
    return Head(submission, _length(length), None if accepted else "unsupported_media_type", token)


def _read_ours(submission: Submission, sent: dict[bytes, list[bytes]]) -> str | None:
    """Read the headers of our own into the submission; returns the canary's token."""
    visitor, test, token = (list(map(text, sent.get(name, ()))) for name in _OURS)
    if visitor:
        submission.visitor = (hop_address(visitor[0]) if len(visitor) == 1 else None) or ""
    if test:
        submission.test = testing.read(test[0]) if len(test) == 1 else ""
    return token[0] if token else None


def caller_of(reader: CallerReader, scope_client: tuple[str, object] | None, headers: Headers) -> Caller:
    """The client's address (see :class:`stagewise.core.addresses.CallerReader`)."""
    return reader.read(scope_client[0] if scope_client else None, headers)


def _early_error(method: str, host: Sequence[bytes], size: int, target_bytes: int) -> str | None:
    if len(host) != 1 or not host[0].strip():
        return "invalid_request"  # RFC 9112, section 3.2
    if target_bytes > URI_BYTES:
        return "uri_too_long"
    if size > HEAD_BYTES:
        return "headers_too_large"
    if method not in {"POST", "OPTIONS"}:
        return "method_not_allowed"
    return None


def _origin(values: Sequence[bytes]) -> str:
    return text(values[0]) if len(values) == 1 else UNUSABLE_ORIGIN


def text(value: bytes) -> str:
    """A header's value as text for comparing and keeping: bytes are characters, cut, without controls."""
    kept = value[:KEPT_TEXT].decode("latin-1")
    return kept if kept.isprintable() else "".join(c if c.isprintable() else "�" for c in kept)


def _length(value: bytes | None) -> int | None:
    return int(value[:18]) if value is not None and value.isdigit() else None


def idempotency_key(values: Sequence[bytes]) -> str:
    """The key as sent, bare or as a quoted string (RFC 9651, section 3.3.3); ``""`` when it cannot be used."""
    if len(values) != 1:
        return ""
    key = values[0].decode("latin-1").strip(" \t")
    if len(key) > 1 and key[0] == '"' == key[-1]:
        key = key[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    usable = key.isascii() and key.isprintable() and len(key) <= KEY_LENGTH and not key.isspace()
    return key if usable else ""


def is_json(value: bytes) -> bool:
    """Whether a ``Content-Type`` is ``application/json`` in UTF-8 (RFC 9110, section 8.3), not something that holds it.

    A test for the substring would admit ``text/plain; application/json``, which browsers send without a preflight.
    """
    if value in _PLAIN_TYPES:
        return True
    essence, *parameters = value.lower().split(b";")
    if essence.strip(b" \t") != _JSON:
        return False
    for parameter in parameters:
        name, equals, content = parameter.strip(b" \t").partition(b"=")
        if name and (not equals or (name == b"charset" and content.strip(b'"') != b"utf-8")):
            return False
    return True
