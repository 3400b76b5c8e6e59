"""The documentation says what the code says: settings, refusals, commands, versions, links."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import click
import pytest

import stagewise
from stagewise.cli import stagewise as stagewise_command
from stagewise.core.refusal import REFUSALS
from stagewise.options import attribution, holding, signals, testing
from stagewise.pages import examples
from stagewise.pages.documents import anchor
from stagewise.settings import KNOWN, PREFIX
from stagewise.worker import retention

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def headings(path: Path) -> list[str]:
    outside_code = re.sub(r"^```.*?^```", "", text_of(path), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^#+ (.+)$", outside_code, re.MULTILINE)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("name", KNOWN)
def test_every_setting_has_a_heading(name: str) -> None:
    assert PREFIX + name.upper() in headings(DOCS / "configuration.md")


def test_no_heading_describes_a_setting_that_does_not_exist() -> None:
    described = {h for h in headings(DOCS / "configuration.md") if h.startswith(PREFIX)}
    assert described == {PREFIX + name.upper() for name in KNOWN}


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_has_a_page_with_its_title_status_and_example(code: str) -> None:
    refusal, page = REFUSALS[code], text_of(DOCS / "errors" / f"{code}.md")
    assert page.startswith(f"# {refusal.title}\n\nCode `{code}` · Status {refusal.status}\n")
    assert headings(DOCS / "errors" / f"{code}.md")[1:] == [
        "What happened",
        "What to do as the caller",
        "What to do as the owner",
        "Example answer",
    ]
    example = re.search(r"^## Example answer\n\n```json\n(.+?)```\n", page, re.MULTILINE | re.DOTALL)
    assert example is not None
    assert json.loads(example[1]) == examples.problem(code)


def test_the_public_endpoints_page_lists_every_refusal() -> None:
    rows = re.findall(r"^\| (\d+) \| \[`(\w+)`\]\(errors/(\w+)\.md\) \|", text_of(DOCS / "api.md"), re.MULTILINE)
    assert {(int(status), code) for status, code, _file in rows} == {(r.status, r.code) for r in REFUSALS.values()}
    assert all(code == file for _status, code, file in rows)


def test_the_public_endpoints_page_shows_answers_as_they_are() -> None:
    shown = re.findall(r"```json\n(.+?)```", text_of(DOCS / "api.md"), re.DOTALL)
    expected = [examples.CREATED, examples.problem("missing_fields"), examples.HELD]
    assert [json.loads(each) for each in shown] == expected


def test_the_public_endpoints_page_names_every_extra_field() -> None:
    section = text_of(DOCS / "api.md").split("## More about the lead")[1].split("\n## ")[0]
    assert set(re.findall(r"`([a-z_]{4,})`", section)) - {"http", "https"} == set(signals.NAMES)
    assert f"{attribution.URL_LIMIT:,} characters" in section
    assert f"{attribution.TEXT_LIMIT} characters" in section


def test_test_mode_names_every_answer_that_can_be_forced_with_its_status() -> None:
    rows = re.findall(r"^\| (`.+`) \| (\d+) \|", text_of(DOCS / "testing.md"), re.MULTILINE)
    listed = {name: int(status) for names, status in rows for name in re.findall(r"`(\w+)`", names)}
    assert listed == {
        testing.ORDINARY: 201,
        "created": 201,
        "duplicate": 201,
        "held": 202,
        **{code: refusal.status for code, refusal in REFUSALS.items()},
    }
    assert f"after {testing.DAYS_KEPT} days" in text_of(DOCS / "testing.md")


def test_the_guide_names_every_reason_to_hold_a_lead_and_how_long_it_waits() -> None:
    page = text_of(DOCS / "guide" / "held.md")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == list(holding.REASONS)
    assert f"{holding.MOST_WAITING:,} wait at an endpoint, for {holding.DAYS_WAITING} days" in page
    assert f"brought back for {holding.DAYS_DISCARDED} days" in page


def test_troubleshooting_names_every_refusal() -> None:
    linked = set(re.findall(r"\(\.\./errors/(\w+)\.md\)", text_of(DOCS / "guide" / "troubleshooting.md")))
    assert linked == set(REFUSALS)


def test_every_document_is_in_the_index() -> None:
    listed = set(re.findall(r"\]\(([^)#]+)\)", text_of(DOCS / "README.md")))
    pages = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    folders = {"guide/README.md", "errors/", "decisions/README.md"}
    assert pages | folders == listed


def test_every_picture_is_shown_somewhere_and_of_a_size_that_loads_quickly() -> None:
    shown = {Path(name).name for page in PAGES for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text_of(page))}
    assert shown == {path.name for path in (DOCS / "images").iterdir()}
    assert max(path.stat().st_size for path in (DOCS / "images").iterdir()) <= 160_000


def commands() -> list[tuple[str, click.Command]]:
    """Every command that does something, with its full name."""
    found: list[tuple[str, click.Command]] = []
    groups: list[tuple[str, click.Group]] = [("stagewise", stagewise_command)]
    while groups:
        name, group = groups.pop()
        context = click.Context(group)
        for word in group.list_commands(context):
            command = group.get_command(context, word)
            assert command is not None
            if isinstance(command, click.Group):
                groups.append((f"{name} {word}", command))
            elif not command.hidden:
                found.append((f"{name} {word}", command))
    return sorted(found, key=lambda each: each[0])


def test_every_command_and_option_is_described() -> None:
    preface, *sections = re.split(r"^## ", text_of(DOCS / "cli.md"), flags=re.MULTILINE)
    for name, command in commands():
        section = next((each for each in sections if each.startswith(f"`{name}`")), None)
        assert section is not None, f"docs/cli.md has no section `{name}`"
        for parameter in command.params:
            if isinstance(parameter, click.Option) and not parameter.hidden:
                option = max(parameter.opts, key=len)
                described = re.search(rf"(?<![\w-]){option}(?![\w-])", section + preface)
                assert described, f"docs/cli.md does not describe {name} {option}"


def test_no_command_is_described_that_does_not_exist() -> None:
    described = re.findall(r"^## `([^`]+)`$", text_of(DOCS / "cli.md"), re.MULTILINE)
    assert sorted(described) == [name for name, _command in commands()]


@pytest.mark.parametrize("table", retention.KEPT)
def test_how_long_rows_are_kept_is_said(table: str) -> None:
    minutes = retention.KEPT[table][1] // 60_000
    kept = f"{minutes} minutes"
    if minutes >= 60:
        kept = f"{minutes // 60} hours" if minutes < 48 * 60 else f"{minutes // 60 // 24} days"
    section = text_of(DOCS / "self-hosting.md").split("## What is kept")[1].split("\n## ")[0]
    assert kept in section


def test_the_readme_fits_two_screens() -> None:
    assert len(text_of(ROOT / "README.md").splitlines()) <= 80


@pytest.mark.parametrize("document", PAGES, ids=name_of)
def test_every_link_inside_the_project_leads_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", text_of(document)):
        if re.match(r"https?://|mailto:", link):
            continue
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), f"{name_of(document)} links to {link}"
        assert target.is_relative_to(ROOT), f"{name_of(document)} links out of the project: {link}"
        if fragment:
            assert fragment in map(anchor, headings(target)), f"{name_of(document)} links to {link}"


def test_the_changelog_ends_at_the_packages_version() -> None:
    released = re.findall(r"^## \[(\d[^\]]*)\]", text_of(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert released[0] == stagewise.__version__


@pytest.mark.parametrize("record", RECORDS, ids=name_of)
def test_a_decision_record_has_its_four_parts(record: Path) -> None:
    title, *parts = headings(record)
    assert title.split()[0] == record.name[:4]
    assert parts == ["Context", "Choice", "Price", "When to look again"]


def test_decision_records_are_numbered_without_gaps_and_all_listed() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{n:04}" for n in range(1, len(RECORDS) + 1)]
    listed = re.findall(r"^- \[(.+)\]\((.+)\)$", text_of(DOCS / "decisions" / "README.md"), re.MULTILINE)
    assert listed == [(headings(record)[0], record.name) for record in RECORDS]


def test_the_licence_is_apache_2() -> None:
    lines = text_of(ROOT / "LICENSE").split("\n")
    assert [line.strip() for line in lines[:3] if line.strip()] == ["Apache License", "Version 2.0, January 2004"]
    assert "END OF TERMS AND CONDITIONS" in text_of(ROOT / "LICENSE")
