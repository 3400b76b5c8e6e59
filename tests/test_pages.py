"""The public files: every refusal has its page, and the OpenAPI document says what the endpoint does."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urljoin

import msgspec
import pytest

from stagewise import samples
from stagewise.core import fields
from stagewise.core.addresses import CallerReader
from stagewise.core.limits import Figures
from stagewise.core.refusal import REFUSALS
from stagewise.core.submission import Submission
from stagewise.intake.public import PublicFiles
from stagewise.intake.replies import Replies
from stagewise.options import signals
from stagewise.pages import documents, errors, examples, openapi
from stagewise.pages.__main__ import build, write
from stagewise.pages.errors import MissingPage
from stagewise.store.records import Decision

if TYPE_CHECKING:
    from stagewise.intake.app import Intake

SOURCE = Path(__file__).parent.parent / "docs"
FILES = build()
HTML = sorted(name for name in FILES if name.endswith(".html"))
DOCUMENT: dict[str, Any] = json.loads(FILES["openapi.json"])
ENDPOINT = DOCUMENT["paths"]["/public/v1/leads/{endpoint_key}"]

#: Elements that have no end tag (HTML, section 13.1.2).
VOID = {"meta", "link", "br", "hr", "img"}


class Page(HTMLParser):
    """Collects what a page loads and links to, and insists that its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.sources: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "action"} and tag != "link"]
        loads = {"src", "srcset"} | ({"href"} if tag == "link" else set())
        self.sources += [value or "" for name, value in attrs if name in loads]
        self.anchors |= {value or "" for name, value in attrs if name == "id"}
        assert not any(name == "style" or name.startswith("on") for name, _value in attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page(name: str) -> Page:
    return Page(FILES[name].decode())


def test_every_refusal_has_a_page_and_there_is_an_index() -> None:
    expected = {f"docs/errors/{code}.html" for code in REFUSALS} | {"docs/errors.html"}
    assert expected == {name for name in HTML if name.startswith("docs/errors")}


def test_the_index_links_to_every_page() -> None:
    assert {f"errors/{code}" for code in REFUSALS} <= set(page("docs/errors.html").links)


def test_every_page_of_the_guide_is_published_and_linked_from_its_first_page() -> None:
    written = {path.stem for path in (SOURCE / "guide").glob("*.md")} - {"README"}
    assert {name.removeprefix("docs/guide/").removesuffix(".html") for name in HTML if "/guide/" in name} == written
    assert {f"guide/{name}" for name in written} <= set(page("docs/guide.html").links)


@pytest.mark.parametrize("sample", samples.all(), ids=lambda sample: sample.name)
def test_the_page_of_samples_shows_each_of_them_letter_by_letter(sample: samples.Sample) -> None:
    shown = html.unescape(FILES["docs/samples.html"].decode())
    assert sample.text.rstrip() in shown
    assert sample.run in shown


@pytest.mark.parametrize("code", REFUSALS)
def test_a_page_names_code_title_and_status_and_shows_an_answer(code: str) -> None:
    text = FILES[f"docs/errors/{code}.html"].decode()
    refusal = REFUSALS[code]
    assert f"<title>{refusal.title} ({refusal.status}, {code})</title>" in text
    assert f"<h1>{refusal.title}</h1>" in text
    assert f"&quot;code&quot;: &quot;{code}&quot;" in text


@pytest.mark.parametrize("name", HTML)
def test_a_page_runs_nothing_and_loads_nothing_from_elsewhere(name: str) -> None:
    parsed = page(name)
    assert not parsed.seen & {"script", "style", "iframe", "form", "object"}
    for source in parsed.sources:
        assert not re.match(r"[a-z]+:|//|/", source), source
    for link in parsed.links:
        assert re.match(r"https://", link) or not re.match(r"[a-z]+:|//|/", link), link


def status_of(public: PublicFiles, path: str) -> int:
    """What the intake process answers to a GET of this path."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"path": path, "method": "GET", "headers": []}
    asyncio.run(public.answer(cast("Intake", None), scope, send, Replies(examples.BASE)))
    return int(sent[0]["status"])


@pytest.mark.parametrize("name", HTML)
def test_every_link_of_a_page_is_served(name: str, tmp_path: Path) -> None:
    write(FILES, tmp_path / "public")
    public = PublicFiles(tmp_path / "public")
    here = "/" + name.removesuffix(".html")
    assert status_of(public, here) == 200
    parsed = page(name)
    for link in parsed.links + parsed.sources:
        if link.startswith("https:"):
            continue
        path, _, fragment = urljoin(here, link).partition("#")
        assert status_of(public, path) == 200, link
        assert not fragment or fragment in page(f"{path[1:]}.html").anchors, link


def test_the_style_sheet_loads_nothing() -> None:
    assert b"url(" not in FILES["docs/style.css"]
    assert b"@import" not in FILES["docs/style.css"]


def test_a_refusal_without_a_page_stops_the_build(tmp_path: Path) -> None:
    for code in REFUSALS.keys() - {"rate_limited"}:
        (tmp_path / f"{code}.md").write_text("# Page\n")
    with pytest.raises(MissingPage, match="no page for rate_limited"):
        errors.documents(tmp_path)


def test_a_page_for_no_refusal_stops_the_build(tmp_path: Path) -> None:
    for code in [*REFUSALS, "gone_fishing"]:
        (tmp_path / f"{code}.md").write_text("# Page\n")
    with pytest.raises(MissingPage, match="gone_fishing"):
        errors.documents(tmp_path)


def test_a_link_to_what_is_no_page_keeps_its_words_only() -> None:
    one = documents.document(
        "guide/one.md", "# One\n\n[two](two.md#there), [three](../three.md), [code](../../code.py)\n"
    )
    two = documents.document("guide/two.md", "# Two\n\n## There\n\nBack to [one](one.md), [up](../guide/README.md).\n")
    up = documents.document("guide/README.md", "# Up\n\n[two](two.md), ![picture](../images/a.png)\n")
    rendered = documents.render([one, two, up])
    assert '<p><a href="two#there">two</a>, three, code</p>' in rendered["docs/guide/one"]
    assert '<a href="one">one</a>, <a href="../guide">up</a>' in rendered["docs/guide/two"]
    assert '<a href="guide/two">two</a>' in rendered["docs/guide"]
    assert 'src="images/a.png"' in rendered["docs/guide"]
    assert "<title>Up</title>" in rendered["docs/guide"]


def test_the_same_sources_give_the_same_files() -> None:
    assert build(SOURCE) == FILES


def test_writing_leaves_no_file_of_an_earlier_build(tmp_path: Path) -> None:
    write({"docs/old.html": b"old"}, tmp_path / "public")
    write({"docs/new.html": b"new"}, tmp_path / "public")
    assert [path.name for path in (tmp_path / "public").rglob("*.html")] == ["new.html"]


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, content in value.items():
            if key == "$ref":
                yield content
            yield from references(content)
    elif isinstance(value, list):
        for content in value:
            yield from references(content)


def resolved(value: Any) -> Any:
    """The value, or what its reference leads to."""
    while "$ref" in value:
        place: Any = DOCUMENT
        for step in value["$ref"].removeprefix("#/").split("/"):
            place = place[step]
        value = place
    return value


def conforms(value: object, schema: Any) -> bool:
    """Whether a value has the types and members that a schema asks for; as much of JSON Schema as the document uses."""
    schema = resolved(schema)
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    names = {"object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "null": type(None)}
    if not any(type(value) is names[name] for name in types):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, str):
        pattern = schema.get("pattern", "")
        long_enough = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return long_enough and re.search(pattern, value) is not None
    if isinstance(value, list):
        return all(conforms(item, schema["items"]) for item in value)
    if isinstance(value, dict):
        known = schema["properties"]
        return set(schema["required"]) <= set(value) and all(
            name in known and conforms(content, known[name]) for name, content in value.items()
        )
    return True


def test_every_reference_in_the_document_leads_somewhere() -> None:
    assert all(resolved({"$ref": reference}) for reference in references(DOCUMENT))


def test_the_document_has_what_openapi_asks_for() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert {"title", "version"} <= DOCUMENT["info"].keys()
    assert set(ENDPOINT) == {"parameters", "post", "options"}
    for operation in ("post", "options"):
        assert all(resolved(answer)["description"] for answer in ENDPOINT[operation]["responses"].values())
    for parameter in [*ENDPOINT["parameters"], *ENDPOINT["post"]["parameters"]]:
        assert {"name", "in", "schema"} <= parameter.keys()
        assert parameter["required"] is (parameter["in"] == "path")


def test_the_document_describes_every_status() -> None:
    statuses = {str(refusal.status) for refusal in REFUSALS.values()}
    assert set(ENDPOINT["post"]["responses"]) == statuses | {"201", "202"}
    assert {f"Refused{status}" for status in statuses} == set(DOCUMENT["components"]["responses"])


def test_examples_conform_to_their_schemas() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert conforms(examples.REQUEST, schemas["Submission"])
    assert conforms(examples.CREATED, schemas["Lead"])
    assert conforms({**examples.CREATED, "duplicate": True}, schemas["Lead"])
    assert conforms(examples.HELD, schemas["Held"])
    assert all(conforms(examples.problem(code), schemas["Problem"]) for code in REFUSALS)
    assert not conforms({**examples.REQUEST, "name": 7}, schemas["Submission"])


def test_the_example_request_is_one_that_the_rules_accept() -> None:
    accepted = fields.check(examples.REQUEST)
    assert isinstance(accepted, fields.Fields)
    assert {"phone_e164": accepted.phone_e164, "name": accepted.name}.items() <= examples.CREATED.items()


def test_the_document_knows_every_field() -> None:
    known = {*fields.FIELD_NAMES, *signals.NAMES}
    assert set(DOCUMENT["components"]["schemas"]["Submission"]["properties"]) == known


def answered(outcome: str, body: bytes | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer that carries all that an answer of this outcome can carry."""
    caller = CallerReader((), "X-Forwarded-For").read(examples.ADDRESS, [])
    submission = Submission(key="k" * 32, caller=caller, request_id="6f1c7b0e4a5d4c1f9b3e2d8a7c605f41")
    limited = REFUSALS[outcome].status in {422, 429} if outcome in REFUSALS else body is not None
    found = fields.check({"name": "Ada", "email": "ada@example"}) if outcome == "missing_fields" else []
    decision = Decision(
        outcome,
        body=body,
        field_errors=tuple(found) if isinstance(found, list) else (),
        figures=Figures(10, 3, 4321) if limited else None,
        allow_origin="https://www.example.com",
    )
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Replies(examples.BASE).decision(send, submission, decision))
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, sent[1]["body"]


def documented(operation: str, status: int) -> set[str]:
    responses = ENDPOINT[operation]["responses"] | {"405": {"$ref": "#/components/responses/Refused405"}}
    return {name.lower() for name in resolved(responses[str(status)])["headers"]}


@pytest.mark.parametrize("code", REFUSALS)
def test_a_refusal_looks_as_the_document_says(code: str) -> None:
    status, headers, body = answered(code)
    assert status == REFUSALS[code].status
    missing_retry = {"retry-after"} if status in {429, 503, 409} and "retry-after" not in headers else set()
    assert headers.keys() - {"content-type", "content-length"} == documented("post", status) - missing_retry
    assert not missing_retry
    assert headers["content-type"] == "application/problem+json"
    assert conforms(json.loads(body), openapi.document()["components"]["schemas"]["Problem"])
    assert json.loads(body)["type"] == examples.problem(code)["type"]


def test_a_created_lead_looks_as_the_document_says() -> None:
    status, headers, body = answered("replayed", msgspec.json.encode(examples.CREATED))
    assert status == 201
    assert headers.keys() - {"content-type", "content-length"} == documented("post", 201)
    assert conforms(json.loads(body), DOCUMENT["components"]["schemas"]["Lead"])


def test_a_preflight_looks_as_the_document_says() -> None:
    status, headers, _body = answered("preflight")
    assert status == 204
    assert headers.keys() == documented("options", 204)


def test_documented_header_examples_are_what_is_sent() -> None:
    shown = {name.lower(): str(header["example"]) for name, header in DOCUMENT["components"]["headers"].items()}
    for outcome in ("preflight", "method_not_allowed", "missing_fields"):
        _status, headers, _body = answered(outcome)
        fixed = headers.keys() - {"content-type", "content-length", "retry-after"}
        assert {name: headers[name] for name in fixed} == {name: shown[name] for name in fixed}
