"""What a form has sent: JSON, or an HTML form's two ways of writing (urlencoded, multipart), as one flat mapping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl

#: Longest body that is read, in bytes, as at the endpoint; and the number of fields in it.
BODY_LIMIT, FIELD_LIMIT = 65_536, 200

JSON, URLENCODED, MULTIPART = "application/json", "application/x-www-form-urlencoded", "multipart/form-data"


class Unreadable(Exception):
    """A body that is refused: the code of the refusal, and what the log says about it."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def media_type(content_type: str) -> str:
    """The media type itself, without parameters, in small letters."""
    return content_type.partition(";")[0].strip().lower()


def read(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields by name. Values are text, except in JSON, where they are what was sent.

    Raises Unreadable: ``unsupported_media_type``, ``too_large``, ``invalid_json``, ``invalid_request``.
    """
    if len(body) > BODY_LIMIT:
        raise Unreadable("too_large", "the body is too long")
    match media_type(content_type):
        case "application/json":
            return _json(body)
        case "application/x-www-form-urlencoded":
            return _first_of_each(_urlencoded(body))
        case "multipart/form-data":
            return _first_of_each(_multipart(content_type, body))
    raise Unreadable("unsupported_media_type", "neither JSON nor an HTML form")


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Unreadable("invalid_json", "the body is no JSON") from None
    if not isinstance(found, dict):
        raise Unreadable("invalid_json", "the body is no JSON object")
    return found


def _urlencoded(body: bytes) -> Iterable[tuple[str, str]]:
    """URL standard, section 5. A page that is not in UTF-8 posts in its own encoding: windows-1252 on old websites."""
    try:
        try:
            return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=FIELD_LIMIT)
        except UnicodeDecodeError:
            return parse_qsl(
                body.decode("latin-1"),
                keep_blank_values=True,
                encoding="cp1252",
                errors="replace",
                max_num_fields=FIELD_LIMIT,
            )
    except ValueError:
        raise Unreadable("invalid_request", "the form has too many fields") from None


def _multipart(content_type: str, body: bytes) -> Iterable[tuple[str, str]]:
    """The parts of RFC 7578, read as the mail message that they are. Files are refused; an unused file field is not."""
    from email.parser import BytesParser
    from email.policy import HTTP

    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1", "replace") + b"\r\n\r\n" + body
    )
    if not message.is_multipart() or message.defects:
        raise Unreadable("invalid_request", "the multipart form cannot be read")
    parts = list(message.iter_parts())
    if len(parts) > FIELD_LIMIT:
        raise Unreadable("invalid_request", "the form has too many fields")
    found = []
    for part in parts:
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if part.defects or not isinstance(name, str) or not isinstance(content, bytes):
            raise Unreadable("invalid_request", "a part of the multipart form cannot be read")
        if part.get_filename() is not None or part.get_param("filename", header="content-disposition") is not None:
            if content:
                raise Unreadable("unsupported_media_type", "the form holds a file")
            continue
        try:
            found.append((name, content.decode()))
        except UnicodeDecodeError:
            found.append((name, content.decode("cp1252", "replace")))
    return found


def _first_of_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first value that is not blank, for each name: two widgets on a page leave one filled token field each."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if not found.get(name, "").strip():
            found[name] = value
    return found


def text(fields: Mapping[str, Any], name: str) -> str:
    """A field as text; empty when it is absent or something else."""
    value = fields.get(name)
    return value if isinstance(value, str) else ""
