"""The public endpoint as an OpenAPI 3.1 document, made from the table of refusals.

Sizes are what a caller may rely on; the endpoint counts them after trimming and normalising (docs/api.md), so it
accepts a little more than the schema says, never less.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

import stagewise
from stagewise.core.fields import FIELD_NAMES
from stagewise.core.refusal import REFUSALS, Refusal
from stagewise.options import attribution, signals, source, testing
from stagewise.pages import examples

#: What every answer of the application carries.
_ALWAYS = ("X-Request-Id", "Cache-Control", "X-Content-Type-Options", "Vary")
#: What answers carry when the page that asks may read them.
_CORS = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers")
#: What answers to a decided submission carry when the endpoint has a limit.
_LIMIT = ("RateLimit-Policy", "RateLimit")

_HEADERS: dict[str, tuple[str, str]] = {
    "X-Request-Id": ("Names this call; the owner finds it under Logs.", "6f1c7b0e4a5d4c1f9b3e2d8a7c605f41"),
    "Cache-Control": ("Answers are never kept.", "no-store"),
    "X-Content-Type-Options": ("Answers are what they say they are.", "nosniff"),
    "Vary": ("Answers differ by the page that asks.", "Origin"),
    "Access-Control-Allow-Origin": (
        "The page's origin when it is allowed, or * when the endpoint names no origins.",
        "https://www.example.com",
    ),
    "Access-Control-Expose-Headers": (
        "Headers that scripts of the page may read.",
        "Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed",
    ),
    "Access-Control-Allow-Methods": ("How leads are sent.", "POST, OPTIONS"),
    "Access-Control-Allow-Headers": (
        "Headers that a page may send.",
        "Content-Type, Accept, Idempotency-Key",
    ),
    "Access-Control-Max-Age": ("Seconds for which a browser may keep this answer.", "600"),
    "RateLimit-Policy": (
        "The limit: q leads in w seconds. Only when one is set. A server at its ceiling reads leads-per-server here.",
        '"leads-per-ip";q=10;w=86400',
    ),
    "RateLimit": (
        "r leads are left for this address; t seconds until the oldest one leaves the window (on 429: a slot is free).",
        '"leads-per-ip";r=3;t=4321',
    ),
    "Retry-After": ("Seconds to wait before the same request is worth sending again.", "4321"),
    "Connection": ("The connection closes: the rest of the body was not waited for.", "close"),
    "Allow": ("The methods that this address answers.", "POST, OPTIONS"),
    "Idempotency-Replayed": ("Present when the answer is that of an earlier call with the same key.", "true"),
}


def document() -> dict[str, Any]:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Stagewise: sending leads",
            "version": stagewise.__version__,
            "summary": "One endpoint that takes leads from websites.",
            "description": "Who may call, and how often, is decided by the endpoint's owner. A 201 means that the"
            " lead is stored and synced to disk. Send an Idempotency-Key, and repeating a request is always safe.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [],
        "paths": {
            "/public/v1/leads/{endpoint_key}": _path(),
            "/public/v1/leads/{endpoint_key}/challenge": _challenge_path(),
        },
        "components": {
            "schemas": _schemas(),
            "headers": {name: _header(name) for name in _HEADERS},
            "responses": {f"Refused{status}": _refused(status, group) for status, group in _by_status()},
            "examples": {code: _example(refusal) for code, refusal in REFUSALS.items()},
        },
    }


def _path() -> dict[str, Any]:
    statuses = [status for status, _group in _by_status()]
    return {
        "parameters": [_endpoint_key()],
        "post": {
            "operationId": "createLead",
            "summary": "Send a lead",
            "parameters": [_idempotency_key(), _visitor_ip(), _test()],
            "requestBody": {
                "required": True,
                "description": "At most 65,536 bytes of UTF-8, not compressed, complete within 10 seconds.",
                "content": {"application/json": {"schema": _ref("schemas", "Submission"), "example": examples.REQUEST}},
            },
            # All of them: 405, the answer to every other method, can be forced by Stagewise-Test.
            "responses": {"201": _created(), "202": _held()}
            | {str(s): _ref("responses", f"Refused{s}") for s in statuses},
        },
        "options": {
            "operationId": "askForLeave",
            "summary": "What a browser asks before a page may send",
            "description": "Depends on the allowed origins only: no address is checked and no slot is used.",
            "responses": {"204": _preflight()}
            | {str(s): _ref("responses", f"Refused{s}") for s in (400, 403, 404, 410, 414, 431, 503)},
        },
    }


def _challenge_path() -> dict[str, Any]:
    challenge = {"type": "object", "description": "As ALTCHA's widget reads it."}
    return {
        "parameters": [_endpoint_key()],
        "get": {
            "operationId": "getChallenge",
            "summary": "Get a challenge for the CAPTCHA",
            "description": "Only where the endpoint's CAPTCHA is ALTCHA, else 404. The solution is sent with the lead"
            " as `captcha_token`.",
            "responses": {
                "200": {"description": "A challenge.", "content": {"application/json": {"schema": challenge}}},
                "404": _ref("responses", "Refused404"),
            },
        },
    }


def _endpoint_key() -> dict[str, Any]:
    return {
        "name": "endpoint_key",
        "in": "path",
        "required": True,
        "description": "The random part of the endpoint's URL, at least 22 URL-safe characters.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{22,64}$"},
    }


def _visitor_ip() -> dict[str, Any]:
    return {
        "name": source.HEADER,
        "in": "header",
        "required": False,
        "description": "The address of the visitor for whom a server sends; the limit then counts the visitor. Believed"
        " only from an allowed address while the endpoint has forwarding on; ignored from anybody else.",
        "schema": {"type": "string"},
        "example": "203.0.113.7",
    }


def _test() -> dict[str, Any]:
    return {
        "name": testing.HEADER,
        "in": "header",
        "required": False,
        "description": "1 makes a test lead by all the rules: it takes no slot, nobody is notified, and it goes after"
        f" {testing.DAYS_KEPT} days. The name of an answer forces that answer and stores nothing.",
        "schema": {"type": "string", "enum": [testing.ORDINARY, "created", *sorted(testing.FORCED)]},
        "example": testing.ORDINARY,
    }


def _idempotency_key() -> dict[str, Any]:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "One random value for each submission, sent again with every repeat of it; plain or in double"
        " quotes. Kept for at least 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]*[!-~][ -~]*$"},
        "example": "0d9f6c1e-5a8b-4f0e-9d57-2b1c7e3a4f68",
    }


def _created() -> dict[str, Any]:
    return {
        "description": "The lead, its place in the limit and its log entry are stored and synced to disk.",
        "headers": _header_refs(*_ALWAYS, *_CORS, *_LIMIT, "Idempotency-Replayed"),
        "content": {"application/json": {"schema": _ref("schemas", "Lead"), "example": examples.CREATED}},
    }


def _held() -> dict[str, Any]:
    return {
        "description": "The lead is stored, and waits until somebody releases it. Thank the visitor as always.",
        "headers": _header_refs(*_ALWAYS, *_CORS, *_LIMIT, "Idempotency-Replayed"),
        "content": {"application/json": {"schema": _ref("schemas", "Held"), "example": examples.HELD}},
    }


def _preflight() -> dict[str, Any]:
    names = ("Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age")
    return {
        "description": "Pages of this origin may send.",
        "headers": _header_refs(*_ALWAYS, *_CORS, *names),
    }


def _by_status() -> list[tuple[int, list[Refusal]]]:
    """All refusals, grouped by status, in its order."""
    ordered = sorted(REFUSALS.values(), key=lambda refusal: refusal.status)
    return [(status, list(group)) for status, group in groupby(ordered, key=lambda refusal: refusal.status)]


def _refused(status: int, group: list[Refusal]) -> dict[str, Any]:
    names = [*_ALWAYS, *_CORS]
    if status in {422, 429}:
        names += _LIMIT
    if status == 405:
        names.append("Allow")
    if status in {408, 413}:
        names.append("Connection")
    if status == 429 or any(refusal.retry_after is not None for refusal in group):
        names.append("Retry-After")
    codes = [refusal.code for refusal in group]
    titles = dict.fromkeys(refusal.title for refusal in group)
    return {
        "description": f"{', '.join(titles)}: {', '.join(f'`{code}`' for code in codes)}",
        "headers": _header_refs(*names),
        "content": {
            "application/problem+json": {
                "schema": _ref("schemas", "Problem"),
                "examples": {code: _ref("examples", code) for code in codes},
            }
        },
    }


def _example(refusal: Refusal) -> dict[str, Any]:
    return {"summary": refusal.in_words, "value": examples.problem(refusal.code)}


def _header(name: str) -> dict[str, Any]:
    description, example = _HEADERS[name]
    schema = {"type": "integer", "minimum": 1} if name == "Retry-After" else {"type": "string"}
    return {
        "description": description,
        "required": name in _ALWAYS,
        "schema": schema,
        "example": int(example) if name == "Retry-After" else example,
    }


def _header_refs(*names: str) -> dict[str, Any]:
    return {name: _ref("headers", name) for name in names}


def _ref(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _schemas() -> dict[str, Any]:
    return {
        "Submission": _submission(),
        "Lead": _lead(),
        "Held": _held_lead(),
        "Problem": _problem(),
        "FieldError": _field_error(),
    }


def _submission() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "Other members are ignored.",
        "required": ["name", "phone", "email"],
        "properties": {
            "name": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "One line with at least one visible character.",
            },
            "phone": {
                "type": "string",
                "maxLength": 40,
                "description": "5 to 20 digits, with the usual signs and extensions. Kept as typed.",
            },
            "email": {
                "type": "string",
                "format": "idn-email",
                "maxLength": 254,
                "description": "One address. Nothing is looked up.",
            },
            "message": {
                "type": ["string", "null"],
                "maxLength": 5000,
                "description": "Text with line breaks; stored as it came.",
            },
            "lead_type_name": {
                "type": ["string", "null"],
                "maxLength": 100,
                "description": "Name of a lead type, in any case. Absent, null or empty: the first one.",
            },
            **_extras(),
        },
    }


def _extras() -> dict[str, Any]:
    """Extensions: nothing in them is ever a reason to refuse, except a CAPTCHA where the endpoint asks for one."""
    limits = dict.fromkeys(attribution.NAMES, attribution.TEXT_LIMIT) | dict.fromkeys(
        attribution.URLS, attribution.URL_LIMIT
    )
    where_from = {
        name: {"type": "string", "maxLength": limit, "description": "Where the lead came from. Cut or dropped if bad."}
        for name, limit in limits.items()
    }
    return where_from | {
        signals.TOKEN: {
            "type": "string",
            "maxLength": signals.TOKEN_LIMIT,
            "description": "What the CAPTCHA's widget gave, where the endpoint asks for a CAPTCHA.",
        },
        signals.HONEYPOT: {"type": "string", "description": "A field that people do not see. Empty, or sent by a bot."},
        signals.ELAPSED: {
            "type": ["integer", "string"],
            "description": "Milliseconds between showing the form and sending it.",
        },
    }


def _lead() -> dict[str, Any]:
    properties = {
        "id": {"type": "string", "format": "uuid"},
        "name": {"type": "string"},
        "phone": {"type": "string"},
        "phone_e164": {
            "type": ["string", "null"],
            "description": "The number in international form where it is known already.",
        },
        "email": {"type": "string"},
        "message": {"type": ["string", "null"]},
        "lead_type": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "test": {"type": "boolean"},
        "created_at": {"type": "string", "format": "date-time", "description": "UTC, with milliseconds."},
    }
    duplicate = {"type": "boolean", "description": "Only there, and true, when the same lead came minutes ago."}
    return {"type": "object", "required": list(properties), "properties": {**properties, "duplicate": duplicate}}


def _held_lead() -> dict[str, Any]:
    properties = {
        "id": {"type": "string", "format": "uuid"},
        "held": {"type": "boolean"},
        "request_id": {"type": "string", "description": "The same as X-Request-Id."},
    }
    return {"type": "object", "required": list(properties), "properties": properties}


def _problem() -> dict[str, Any]:
    properties = {
        "type": {"type": "string", "format": "uri", "description": "A page that explains the reason."},
        "title": {"type": "string"},
        "status": {"type": "integer", "enum": [status for status, _group in _by_status()]},
        "detail": {"type": "string", "description": "Fit to be shown to the visitor."},
        "code": {"type": "string", "enum": list(REFUSALS), "description": "The reason, for programs."},
        "request_id": {"type": "string", "description": "The same as X-Request-Id."},
        "errors": {
            "type": "array",
            "items": _ref("schemas", "FieldError"),
            "description": "Every field that is wrong; empty when the reason is another.",
        },
    }
    return {"type": "object", "description": "RFC 9457.", "required": list(properties), "properties": properties}


def _field_error() -> dict[str, Any]:
    names = [*FIELD_NAMES, signals.TOKEN]
    properties = {
        "field": {"type": "string", "enum": [*names, ""], "description": "Empty: the body as a whole."},
        "pointer": {"type": "string", "enum": [*(f"/{name}" for name in names), ""], "description": "RFC 6901."},
        "code": {"type": "string", "description": "The reason, for programs; docs/errors/invalid_fields lists them."},
        "detail": {"type": "string", "description": "Fit to be shown to the visitor."},
    }
    return {"type": "object", "required": list(properties), "properties": properties}
