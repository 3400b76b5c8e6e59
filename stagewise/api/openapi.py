"""What the OpenAPI document says beyond the operations themselves: everything that can go wrong, and the headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stagewise.api.problems import MEDIA_TYPE, PROBLEMS
from stagewise.api.schemas import ProblemDocument

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROBLEM: Final = "ProblemDocument"
#: Every operation may answer with these …
_ALWAYS: Final = (400, 401, 403, 422, 429, 500, 503)
#: … those of one lead with this, those with a body, and the one that changes a lead, with these as well.
_OF_ONE: Final = (404,)
_WITH_BODY: Final = (413, 415)
_OF_A_CHANGE: Final = (409, 412)

_TEXT: Final = {"schema": {"type": "string"}}
_HEADERS: Final[dict[str, dict[str, Any]]] = {
    "X-Request-Id": {"description": "Names the call, for questions about it.", **_TEXT},
    "RateLimit-Policy": {"description": 'Such as "calls-per-token";q=600;w=60.', **_TEXT},
    "RateLimit": {"description": 'Such as "calls-per-token";r=599;t=42.', **_TEXT},
}
_RETRY_AFTER: Final = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
_ETAG: Final = {"ETag": {"description": "For If-Match.", **_TEXT}}
_IF_MATCH: Final = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag of the lead as it was read: if it has changed since, the answer is 412.",
    "schema": {"type": "string"},
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the problems and headers of every operation."""
    document["components"]["schemas"][_PROBLEM] = ProblemDocument.json_schema()
    definitions = document["components"]["schemas"][_PROBLEM].pop("$defs", {})
    for name, schema in definitions.items():
        document["components"]["schemas"][name] = schema
    _point_at_components(document["components"]["schemas"][_PROBLEM])
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            _complete(operation, one="{lead_id}" in path, body="requestBody" in operation, change=method == "patch")
    return document


def _complete(operation: dict[str, Any], *, one: bool, body: bool, change: bool) -> None:
    if body:
        operation["requestBody"]["required"] = True
    for response in operation["responses"].values():
        response["headers"] = {**_HEADERS, **(_ETAG if one and operation["operationId"].endswith("Lead") else {})}
    if change:
        operation["parameters"].append(_IF_MATCH)
    more = (_OF_ONE if one else ()) + (_WITH_BODY if body else ()) + (_OF_A_CHANGE if change else ())
    for status in sorted((*_ALWAYS, *more)):
        operation["responses"][status] = _problem(status)


def _problem(status: int) -> dict[str, Any]:
    codes = [each.code for each in PROBLEMS.values() if each.status == status]
    return {
        "description": f"{_title(status)}: {_listed(codes)}",
        "headers": {**_HEADERS, **(_RETRY_AFTER if status in {429, 503} else {})},
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{_PROBLEM}"}}},
    }


def _title(status: int) -> str:
    return next(each.title for each in PROBLEMS.values() if each.status == status)


def _listed(codes: Iterable[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _point_at_components(schema: Any) -> None:
    """References within a schema of its own become references between components."""
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            schema["$ref"] = schema["$ref"].replace("#/$defs/", "#/components/schemas/")
        for value in schema.values():
            _point_at_components(value)
    elif isinstance(schema, list):
        for value in schema:
            _point_at_components(value)
