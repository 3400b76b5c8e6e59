"""Help: the guide in the console, with the endpoint's own URL, readable by everybody and leading nowhere wrong."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from django.test import Client
from pytest_django import Settings

from stagewise import samples
from stagewise.accounts.actions import create_workspace
from stagewise.accounts.models import Member, User
from stagewise.console import guide
from stagewise.core.refusal import REFUSALS
from stagewise.endpoints import queries
from stagewise.endpoints.actions import add_endpoint
from tests.console.pages import read
from tests.support.cast import Cast, attempt

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


def page_of(browser: Client, path: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


def links_of(page: str) -> set[str]:
    return {html.unescape(link) for link in re.findall(r'<a href="([^"]*)"', page)}


def test_help_is_one_step_from_every_page(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    assert "/w/acme/help/" in links_of(page_of(browser, "/w/acme/leads/"))
    assert "Guide: leads from your website" in read(browser, "/w/acme/help/").text


def test_every_page_of_the_guide_is_named_on_the_first_one_and_beside_the_others(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    expected = {f"/w/acme/help/guide/{path.stem}/" for path in (DOCS / "guide").glob("*.md") if path.stem != "README"}
    assert expected <= links_of(page_of(browser, "/w/acme/help/"))
    assert expected <= links_of(page_of(browser, "/w/acme/help/guide/setup/"))


def test_every_refusal_has_its_page_under_help(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    index = links_of(page_of(browser, "/w/acme/help/errors/"))
    for code, refusal in REFUSALS.items():
        assert f"/w/acme/help/errors/{code}/" in index
        page = read(browser, f"/w/acme/help/errors/{code}/")
        assert page.status == 200
        assert f"{refusal.title} Code {code} · Status {refusal.status}" in page.text


def test_a_refused_call_under_logs_leads_to_its_page(cast: Cast, as_user: AsUser) -> None:
    attempt(cast.acme, "ip_not_allowed", 403)
    attempt(cast.acme, "created", 201)
    links = links_of(page_of(as_user(cast.vera), "/w/acme/logs/"))
    assert {link for link in links if "/help/errors/" in link} == {"/w/acme/help/errors/ip_not_allowed/"}


def test_every_link_under_help_leads_somewhere(cast: Cast, as_user: AsUser) -> None:
    browser, seen, waiting = as_user(cast.vera), set(), {"/w/acme/help/"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        page = page_of(browser, path)
        for link in links_of(page):
            target, _, fragment = link.partition("#")
            if target.startswith("/w/acme/help/") and target not in seen:
                waiting.add(target)
            assert not target or target.startswith(("/", "https://")), f"{path} links to {link}"
            if target.startswith("https:"):
                continue
            if fragment:
                assert f'id="{fragment}"' in page_of(browser, target or path), f"{path} links to {link}"
    assert len(seen) == len(guide.pages())


def test_pictures_come_from_the_console_itself(cast: Cast, as_user: AsUser) -> None:
    page = page_of(as_user(cast.vera), "/w/acme/help/guide/setup/")
    sources = re.findall(r'<img [^>]*src="([^"]*)"', page)
    assert "/static/docs/guide-leads.png" in sources
    assert all((DOCS / "images" / source.removeprefix("/static/docs/")).exists() for source in sources)


def test_every_program_holds_the_endpoints_own_url(cast: Cast, as_user: AsUser, settings: Settings) -> None:
    url = queries.url_of(cast.acme.endpoint)
    page = page_of(as_user(cast.vera), "/w/acme/help/samples/")
    shown = [html.unescape(each) for each in re.findall(r"<code id=[^>]*>(.*?)</code></pre>", page, re.DOTALL)]
    for sample in samples.all():
        assert samples.fill(sample.text, url).rstrip() + "\n" in shown, sample.name
    assert samples.PLACEHOLDER not in html.unescape(page)


@pytest.mark.parametrize(
    "name", ["guide/setup", "guide/testing", "guide/duplicates", "testing", "api", "form", "errors/not_found"]
)
def test_no_page_keeps_the_placeholder(cast: Cast, as_user: AsUser, name: str) -> None:
    page = page_of(as_user(cast.vera), f"/w/acme/help/{name}/")
    assert "YOUR_KEY" not in page
    assert "&lt;key&gt;" not in page
    assert "leads.example.com" not in page
    assert html.escape(queries.public_base()) in page


def test_with_several_endpoints_one_can_be_chosen_and_stays_chosen(cast: Cast, as_user: AsUser) -> None:
    shop, browser = add_endpoint(cast.acme.workspace, "Shop"), as_user(cast.vera)
    first = page_of(browser, "/w/acme/help/guide/setup/")
    assert queries.key_of(cast.acme.endpoint) in first
    assert '<option value="' in first
    chosen = page_of(browser, f"/w/acme/help/guide/setup/?endpoint={shop.pk}")
    assert queries.key_of(shop) in chosen
    assert queries.key_of(cast.acme.endpoint) not in chosen
    assert f"/w/acme/help/guide/testing/?endpoint={shop.pk}" in links_of(chosen)


def test_with_one_endpoint_there_is_nothing_to_choose(cast: Cast, as_user: AsUser) -> None:
    assert "<option" not in page_of(as_user(cast.vera), "/w/acme/help/guide/setup/")


def test_a_page_without_programs_has_nothing_to_choose_either(cast: Cast, as_user: AsUser) -> None:
    add_endpoint(cast.acme.workspace, "Shop")
    assert "<option" not in page_of(as_user(cast.vera), "/w/acme/help/guide/held/")


@pytest.mark.parametrize("wanted", ["{foreign}", "0", "-1", "x", "9" * 30, ""])
def test_an_endpoint_of_somebody_else_is_never_shown(cast: Cast, as_user: AsUser, wanted: str) -> None:
    wanted = wanted.format(foreign=cast.next_door.endpoint.pk)
    page = page_of(as_user(cast.vera), f"/w/acme/help/guide/setup/?endpoint={wanted}")
    assert queries.key_of(cast.next_door.endpoint) not in page
    assert queries.key_of(cast.acme.endpoint) in page


def test_without_an_endpoint_the_placeholder_stays(cast: Cast, as_user: AsUser) -> None:
    empty = create_workspace("Empty", "empty")
    Member.objects.create(workspace=empty, user=cast.nora, role="viewer")
    assert samples.PLACEHOLDER in page_of(as_user(cast.nora), "/w/empty/help/guide/setup/")


def test_programs_can_be_copied_and_answers_need_not(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    page = page_of(browser, "/w/acme/help/guide/duplicates/")
    assert page.count("data-copy=") == 1
    assert 'data-copy="program-1"' in page
    assert 'id="program-1"' in page


def test_the_support_contact_stands_on_every_page_of_help(cast: Cast, as_user: AsUser, settings: Settings) -> None:
    browser = as_user(cast.vera)
    assert "No contact is set" in read(browser, "/w/acme/help/guide/help/").text
    settings.OURS = msgspec.structs.replace(settings.OURS, support="help@example.com")
    for path in ("/w/acme/help/", "/w/acme/help/guide/help/", "/w/acme/help/errors/timeout/"):
        assert "mailto:help@example.com" in links_of(page_of(browser, path).split("<aside", 1)[1])


@pytest.mark.parametrize(
    "name", ["guide/nothing", "errors/made_up", "../leads", "architecture", "guide/setup/x", "style.css"]
)
def test_a_page_that_does_not_exist_is_not_found(cast: Cast, as_user: AsUser, name: str) -> None:
    assert as_user(cast.vera).get(f"/w/acme/help/{name}/").status_code == 404
