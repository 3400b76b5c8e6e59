"""Handing a file of leads in, by the console's pages."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from stagewise.accounts.models import User
from stagewise.leads.importing import files
from stagewise.leads.importing.taking import Taker
from stagewise.leads.models import Lead, LeadImport
from tests.console.pages import Page, read, send
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PATH = "/w/acme/leads/import/"
FILE = """Name;Telefon;E-Mail;Firma
Ada;+49 30 901820;ada@example.org;=Analytical
Bob;x;bob@example.org;
Grace;+12025550123;grace@example.com;
"""


@pytest.fixture
def agnes(cast: Cast, as_user: AsUser) -> Client:
    return as_user(cast.agnes)


def handed_in(browser: Client, text: str = FILE, name: str = "people.csv") -> Page:
    return send(browser, PATH, file=SimpleUploadedFile(name, text.encode()))


def there() -> LeadImport:
    return LeadImport.objects.latest("id")


def path() -> str:
    return f"{PATH}{there().pk}/"


def columns(*targets: str) -> dict[str, str]:
    return {f"column-{place}": target for place, target in enumerate(targets)}


def work() -> None:
    taker = Taker(settings.OURS.data_dir)
    while taker.work(100).more:
        pass


def test_a_file_is_looked_at_and_nothing_is_taken_yet(cast: Cast, agnes: Client) -> None:
    page = handed_in(agnes)
    assert "3 rows below the names of the columns" in page.text
    assert "Of the first 3 rows: 1 would become a lead." in page.text
    assert "Phone is no valid number." in page.text
    assert "A lead with this e-mail address is there already." in page.text
    assert re.findall(r'<option value="(\w*)"\s+selected>', page.html)[:4] == ["name", "phone", "email", ""]
    assert Lead.objects.filter(workspace=cast.acme.workspace).count() == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "Choose a file first."), (b"", "There is nothing in this file."), (b"PK\x03\x04", "This is no CSV file.")],
)
def test_what_is_no_table_is_refused_beside_the_field(agnes: Client, content: bytes | None, words: str) -> None:
    fields = {} if content is None else {"file": SimpleUploadedFile("x.csv", content)}
    page = send(agnes, PATH, **fields)
    assert page.status == 422
    assert words in page.text
    assert not LeadImport.objects.exists()


def test_a_file_that_is_too_large_is_refused_before_it_is_kept(agnes: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stagewise.site.uploads.LARGEST", 1_000)
    page = handed_in(agnes, FILE * 100)
    assert page.status == 422
    assert "larger than 20 MB" in page.text
    assert not LeadImport.objects.exists()


def test_choices_are_kept_and_previewed(cast: Cast, agnes: Client) -> None:
    handed_in(agnes)
    sales = cast.acme.types[1].stages.get(name="Qualified")
    owner = cast.agnes.memberships.get()
    chosen = {"stage": sales.pk, "owner": owner.pk, "tag": "Fair", "known": "take"}
    page = send(agnes, path(), **columns("name", "phone", "email", "more"), **chosen)
    assert "Of the first 3 rows: 2 would become leads." in page.text
    assert "Sales · Qualified" in page.text
    assert page.values["tag"] == "Fair"
    assert "Firma: =Analytical" in page.text


def test_what_is_missing_is_said_and_nothing_starts(agnes: Client) -> None:
    handed_in(agnes)
    page = send(agnes, path(), **columns("name", "", "email", "email"), go="on")
    assert page.status == 422
    assert "Choose the column of: the phone number." in page.text
    assert "Another column above is chosen for this already." in page.text
    assert there().state == "uploaded"


def test_a_file_is_taken_in_and_what_could_not_be_is_listed(cast: Cast, agnes: Client) -> None:
    handed_in(agnes)
    page = send(agnes, path(), **columns("name", "phone", "email", "more"), tag="Fair", known="skip", go="on")
    assert "Waiting for the worker" in page.text
    assert 'hx-trigger="every 1s"' in page.html
    work()
    page = read(agnes, path())
    assert "Done: 1 lead was taken in" in page.text
    assert 'hx-trigger="every 1s"' not in page.html
    assert "Phone is no valid number" in page.text
    tag = cast.acme.workspace.tags.get(name="Fair")
    assert f'href="/w/acme/leads/?tag={tag.pk}"' in page.html
    listed = read(agnes, PATH)
    assert "people.csv" in listed.text
    assert "1 lead" in listed.text


def test_the_report_is_the_rows_with_the_reason_and_no_formulas(agnes: Client) -> None:
    handed_in(agnes, FILE.replace("bob@example.org;", "bob@example.org;=1+1"))
    send(agnes, path(), **columns("name", "phone", "email", ""), go="on")
    work()
    answer = agnes.get(path() + "left-out.csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer).decode())))
    assert rows == [
        ["Name", "Telefon", "E-Mail", "Firma", "Why it was not taken"],
        ["Bob", "x", "bob@example.org", "'=1+1", "Phone is no valid number"],
        ["Grace", "'+12025550123", "grace@example.com", "", "A lead with this e-mail address is there already"],
    ]


def test_a_mended_report_can_be_handed_in_again(agnes: Client) -> None:
    handed_in(agnes)
    send(agnes, path(), **columns("name", "phone", "email", ""), go="on")
    work()
    text = b"".join(agnes.get(path() + "left-out.csv")).decode()
    page = handed_in(agnes, text.replace(",x,", ",+49 30 901821,"))
    assert "Of the first 2 rows: 1 would become a lead." in page.text


def test_an_import_can_be_stopped_and_undone(cast: Cast, agnes: Client) -> None:
    handed_in(agnes)
    send(agnes, path(), **columns("name", "phone", "email", ""), known="take", go="on")
    work()
    page = send(agnes, path() + "undo/")
    assert "Putting the leads into the trash" in page.text
    work()
    assert "Undone: 2 leads are in the trash" in read(agnes, path()).text
    handed_in(agnes)
    send(agnes, path(), **columns("name", "phone", "email", ""), go="on")
    assert "Stopped: 0 leads were taken in" in send(agnes, path() + "stop/").text


def test_a_file_that_was_not_started_can_be_forgotten(agnes: Client) -> None:
    handed_in(agnes)
    kept = files.folder(settings.OURS.data_dir) / there().path
    assert kept.exists()
    assert "The file is forgotten." in send(agnes, path() + "discard/").text
    assert not kept.exists()
    assert not LeadImport.objects.exists()


def test_a_file_that_is_gone_says_so_with_a_way_on(agnes: Client) -> None:
    handed_in(agnes)
    files.remove(settings.OURS.data_dir, there().path)
    page = read(agnes, path())
    assert "The file is not there any more" in page.text
    assert "Hand it in again" in page.text


def test_what_stands_in_a_file_is_text_on_every_page(agnes: Client) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    text = f"{hostile};Telefon;E-Mail\n{hostile};+49 30 901820;a@example.org\n{hostile};x;{hostile}\n"
    page = handed_in(agnes, text, f"{hostile}.csv")
    pages = [page.html]
    pages.append(send(agnes, path(), **columns("name", "phone", "email"), tag=hostile).html)
    send(agnes, path(), **columns("name", "phone", "email"), go="on")
    work()
    pages += [read(agnes, path()).html, read(agnes, PATH).html]
    for html in pages:
        assert "&lt;img src=x" in html
        assert "<img" not in html


def test_a_column_without_a_name_has_a_number(agnes: Client) -> None:
    assert "Column 2" in handed_in(agnes, "Name;;E-Mail\nAda;+49 30 901820;ada@example.org\n").text
