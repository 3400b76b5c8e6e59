"""Leads as files: which ones, in which kind, who may, and what is written down."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.signals import request_finished
from django.db import close_old_connections
from django.test import Client

from stagewise.accounts.models import AuditEntry, User
from stagewise.console import exporting
from stagewise.leads import export, finding, tags
from stagewise.leads.finding import Filters
from stagewise.leads.models import Lead
from tests.console.pages import read
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PATH = "/w/acme/leads/export/"
NAMES = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def close(answer: Any) -> None:
    """As the server does once nobody waits for more; the test's own transaction outlives it."""
    request_finished.disconnect(close_old_connections)
    answer.close()
    request_finished.connect(close_old_connections)


def sent(browser: Client, query: str = "", **fields: Any) -> bytes:
    answer = browser.post(PATH + query, fields)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="leads.{fields["kind"]}"'
    content: bytes = b"".join(answer)
    close(answer)
    return content


def names(browser: Client, query: str = "", **fields: Any) -> list[str]:
    rows = csv.DictReader(io.StringIO(sent(browser, query, kind="csv", **fields).decode("utf-8-sig")))
    return [row["name"] for row in rows]


def cells(workbook: bytes) -> list[list[str]]:
    """The rows of the first sheet, and that none of its cells is a formula."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as file:
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    assert sheet.find(".//m:f", NAMES) is None
    return [
        ["".join(cell.itertext()) for cell in row.iterfind("m:c", NAMES)] for row in sheet.iterfind(".//m:row", NAMES)
    ]


def test_the_page_says_how_many_leads_these_are(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.agnes)
    assert "1 lead, all of the workspace" in read(browser, PATH).text
    assert "1 lead matches your filters" in read(browser, PATH + "?q=grace").text
    assert "Nothing to export" in read(browser, PATH + "?q=nobody").text
    assert "1 lead that you have marked" in read(browser, f"{PATH}?lead={cast.acme.lead.pk}").text


def test_a_file_holds_what_the_filters_mean_or_what_was_marked(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.agnes)
    ada, bob = lead(cast.acme, name="Ada", lead_type=cast.acme.types[1]), lead(cast.acme, name="Bob")
    foreign = cast.next_door.lead
    assert names(browser) == ["Bob", "Ada", "Grace Hopper"]
    assert names(browser, f"?type={cast.acme.types[1].pk}") == ["Ada"]
    assert names(browser, lead=[ada.pk, str(bob.public_id), foreign.pk, str(foreign.public_id), "x"]) == ["Bob", "Ada"]
    assert names(browser, f"?type={cast.next_door.types[0].pk}") == []


def test_csv_opens_in_a_spreadsheet_and_runs_nothing(cast: Cast, as_user: AsUser) -> None:
    Lead.objects.update(name="=1+1", message="Grüße")
    content = sent(as_user(cast.agnes), kind="csv")
    assert content.startswith(b"\xef\xbb\xbf")
    row = next(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert (row["name"], row["phone"], row["message"]) == ("'=1+1", "'+1 202 555 0123", "Grüße")


def test_a_workbook_holds_texts_only_whatever_they_look_like(cast: Cast, as_user: AsUser) -> None:
    hostile = '=HYPERLINK("http://x")\x0b_x0041_ <b>&\ufffe 123'
    Lead.objects.update(name=hostile, phone="+1 202 555 0123", message="http://example.org/")
    tags.tag(cast.acme.lead, "VIP")
    tags.tag(cast.acme.lead, "Berlin")
    header, row = cells(sent(as_user(cast.agnes), kind="xlsx"))
    found = dict(zip(header, row, strict=False))
    assert header == list(export.COLUMNS)
    # As Excel spells controls, and what looks like such a spelling.
    assert found["name"] == hostile.replace("_x0041_", "_x005F_x0041_").replace("\x0b", "_x000B_").replace(
        "\ufffe", "\ufffd"
    )
    assert (found["phone"], found["message"]) == ("+1 202 555 0123", "http://example.org/")
    assert "Berlin, VIP" in row
    assert not list((settings.OURS.data_dir / "files").glob("export-*"))


def test_a_full_sheet_is_followed_by_another(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_SHEET", 2)
    for number in range(4):
        lead(cast.acme, name=f"Lead {number}")
    export.write_workbook(tmp_path / "x.xlsx", export.that_match(cast.acme.workspace, Filters()))
    with zipfile.ZipFile(tmp_path / "x.xlsx") as file:
        assert sorted(name for name in file.namelist() if "worksheets/" in name) == [
            f"xl/worksheets/sheet{number}.xml" for number in (1, 2, 3)
        ]


def test_a_workbook_without_leads_can_be_opened(cast: Cast, as_user: AsUser) -> None:
    assert cells(sent(as_user(cast.agnes), "?q=nobody", kind="xlsx")) == [list(export.COLUMNS)]


def test_json_holds_the_objects_of_the_command_line(cast: Cast, as_user: AsUser) -> None:
    lead(cast.acme, name="Ada")
    found = json.loads(sent(as_user(cast.agnes), kind="json"))
    assert [each["name"] for each in found] == ["Ada", "Grace Hopper"]
    assert json.loads(sent(as_user(cast.agnes), "?q=nobody", kind="json")) == []


def test_leads_are_read_page_by_page(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(24):
        lead(cast.acme, name=f"Lead {number}")
    monkeypatch.setattr(export, "_PAGE", 10)
    loaded: list[int] = []
    real = finding.load

    def load(ids: list[int]) -> list[Lead]:
        loaded.append(len(ids))
        return real(ids)

    monkeypatch.setattr(finding, "load", load)
    found = list(export.that_match(cast.acme.workspace, finding.Filters()))
    assert (len(found), len({each.pk for each in found})) == (25, 25)
    assert max(loaded) == 10


def test_who_took_how_many_is_written_down_without_what_was_searched_for(cast: Cast, as_user: AsUser) -> None:
    sent(as_user(cast.agnes), "?q=grace@example.com&type=" + str(cast.acme.types[0].pk), kind="csv")
    asked, ended = AuditEntry.objects.filter(action__startswith="leads.").order_by("id")
    assert (asked.action, asked.actor, asked.subject) == ("leads.exported", "agnes@example.com", "csv")
    assert asked.changes == {"kind": [None, "csv"], "filters": [None, ["q", "type"]]}
    assert (ended.action, ended.changes) == ("leads.export_ended", {"leads": [None, 1], "complete": [None, True]})


@pytest.mark.django_db(transaction=True)
def test_a_file_that_nobody_waits_for_any_more_is_not_made_to_its_end(
    cast: Cast, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_CHUNK", 10)
    for number in range(5):
        lead(cast.acme, name=f"Lead {number}")
    answer = as_user(cast.agnes).post(PATH, {"kind": "csv"})
    next(iter(answer))
    answer.close()
    ended = AuditEntry.objects.get(action="leads.export_ended")
    assert ended.changes["complete"] == [None, False]
    assert ended.changes["leads"][1] < 6


def test_only_so_many_files_are_made_at_once(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.agnes)
    waiting = [browser.post(PATH, {"kind": "csv"}) for _ in range(exporting.AT_ONCE)]
    refused = browser.post(PATH, {"kind": "csv"})
    assert refused.status_code == 503
    assert "Other exports are under way" in refused.content.decode()
    for answer in waiting:
        close(answer)
        close(answer)
    assert names(browser) == ["Grace Hopper"]


@pytest.mark.parametrize("kind", ["pdf", "", "csv\r\nX: y"])
def test_an_unknown_kind_is_csv(cast: Cast, as_user: AsUser, kind: str) -> None:
    answer = as_user(cast.agnes).post(PATH, {"kind": kind})
    assert answer["Content-Disposition"] == 'attachment; filename="leads.csv"'
    close(answer)
