"""What stands around every page: navigation, workspaces, account menu, theme, the words of the script."""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation

from stagewise.accounts import actions as accounts
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import Member, User
from stagewise.console import words
from stagewise.leads import news
from stagewise.leads.models import Lead
from tests.console import routes
from tests.console.pages import read, send
from tests.support.cast import Cast, alert, lead

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
DAY = 86_400_000


def navigation(browser: Client, path: str = "/w/acme/leads/") -> str:
    """The navigation at the side of the page, as HTML."""
    html = read(browser, path).html
    return html.partition('<nav aria-label="Main">')[2].partition("</nav>")[0]


def links(browser: Client, path: str = "/w/acme/leads/") -> list[str]:
    return re.findall(r'<span class="word">([^<]*)</span>', navigation(browser, path))


def test_the_navigation_is_in_the_order_of_a_day(cast: Cast, as_user: AsUser) -> None:
    assert links(as_user(cast.olga)) == [
        *("Overview", "Leads", "Board", "Lead types", "Stagewise API", "Channels", "Logs", "Monitoring", "Alerts"),
        *("Held", "Workspace", "Team", "API tokens", "Audit", "Help"),
    ]


@pytest.mark.parametrize("who", ["olga", "adam", "agnes", "vera"])
def test_the_navigation_offers_what_one_may_read(cast: Cast, as_user: AsUser, who: str) -> None:
    browser = as_user(getattr(cast, who))
    for path in re.findall(r'<a href="([^"]*)"', navigation(browser)):
        assert browser.get(path).status_code == 200, path


def test_the_page_that_is_open_is_marked_in_the_bar_and_on_a_phone(cast: Cast, as_user: AsUser) -> None:
    html = read(as_user(cast.vera), "/w/acme/logs/").html
    marked = re.findall(r'<a href="([^"]*)"\s+aria-current="page"', html)
    assert marked == ["/w/acme/logs/"] * 2


def test_held_leads_are_in_the_navigation_while_some_wait(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    assert "Held" in links(browser)
    cast.acme.held.delete()
    assert "Held" not in links(browser)
    assert "Held" in links(browser, "/w/acme/leads/held/")


def test_new_leads_and_alerts_are_counted_in_figures_and_in_words(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.vera)
    lead(cast.acme)
    alert(cast.acme)
    html = " ".join(navigation(browser).split())
    assert '<span class="badge new" aria-hidden="true">2</span>' in html
    assert "2 are new" in html
    assert '<span class="badge warn" aria-hidden="true">1</span>' in html
    assert "1 needs a look" in html


def test_a_lead_is_new_until_somebody_touches_it_or_a_week_is_over(cast: Cast) -> None:
    now = now_ms()
    assert news.count(cast.acme.workspace, now) == 1
    lead(cast.acme, changed_at=now)
    lead(cast.acme, test=True)
    lead(cast.acme, created_at=now - 8 * DAY)
    lead(cast.next_door)
    assert news.count(cast.acme.workspace, now) == 1
    assert news.count(cast.acme.workspace, now + 8 * DAY) == 0


def test_many_new_leads_are_counted_up_to_a_hundred(cast: Cast, as_user: AsUser) -> None:
    first = cast.acme.lead
    Lead.objects.bulk_create(
        Lead(
            **{
                **{field.attname: getattr(first, field.attname) for field in Lead._meta.concrete_fields},
                "id": None,
                "public_id": f"00000000-0000-7000-8000-{place:012}",
            }
        )
        for place in range(120)
    )
    assert news.count(cast.acme.workspace, now_ms()) == news.MOST
    assert ">99+</span>" in navigation(as_user(cast.vera))


def test_the_switcher_leads_to_ones_own_workspaces_only(cast: Cast, as_user: AsUser) -> None:
    garden = accounts.create_workspace("Garden", "garden")
    Member.objects.create(workspace=garden, user=cast.olga, role="viewer")
    page = read(as_user(cast.olga), "/w/acme/leads/")
    menu = page.html.partition("switcher")[2].partition("</details>")[0]
    assert "/w/garden/leads/" in menu
    assert "/w/next-door/" not in page.html
    assert "/w/garden/" not in read(as_user(cast.adam), "/w/acme/leads/").html


@pytest.mark.parametrize("theme", ["light", "dark", ""])
def test_a_theme_is_kept_and_one_is_back_where_one_was(cast: Cast, as_user: AsUser, theme: str) -> None:
    browser = as_user(cast.olga)
    back = browser.post("/account/theme/", {"theme": theme, "back": "/w/acme/logs/?outcome=refused"})
    assert (back.status_code, back["Location"]) == (302, "/w/acme/logs/?outcome=refused")
    assert User.objects.get(pk=cast.olga.pk).theme == theme
    assert f'data-theme="{theme}"' in read(browser, "/w/acme/leads/").html
    assert f'data-theme="{theme}"' in read(as_user(cast.olga), "/w/acme/leads/").html


def test_the_theme_stays_when_one_has_logged_out_and_on_errors(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.olga)
    send(browser, "/account/theme/", theme="dark")
    assert 'data-theme="dark"' in read(browser, "/nothing/").html
    browser.post("/logout/")
    assert 'data-theme="dark"' in read(browser, "/login/").html
    browser.cookies["theme"] = '"><b>'
    assert 'data-theme=""' in read(browser, "/login/").html


def test_a_theme_that_does_not_exist_changes_nothing(cast: Cast, as_user: AsUser) -> None:
    page = send(as_user(cast.olga), "/account/theme/", theme="neon", back="/w/acme/leads/")
    assert "There is no such theme." in page.text
    assert User.objects.get(pk=cast.olga.pk).theme == ""


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "", "javascript:x"])
def test_nobody_is_sent_elsewhere_by_the_theme_switch(cast: Cast, as_user: AsUser, back: str) -> None:
    answer = as_user(cast.olga).post("/account/theme/", {"theme": "dark", "back": back})
    assert answer["Location"] == "/"


def test_reading_the_theme_switch_changes_nothing(cast: Cast, as_user: AsUser) -> None:
    assert as_user(cast.olga).get("/account/theme/?theme=dark").status_code == 405


def test_pages_say_their_language_and_its_direction(client: Client) -> None:
    assert '<html lang="en"\n      dir="ltr"' in read(client, "/login/").html
    with translation.override("ar"):
        from stagewise.console import errors

        html = errors.not_found(client.get("/login/").wsgi_request).content.decode()
    assert '<html lang="ar"\n      dir="rtl"' in html


def test_the_script_gets_its_words_from_the_page(client: Client) -> None:
    assert "&quot;copied&quot;: &quot;Copied&quot;" in read(client, "/login/").html
    assert all(words.WORDS.values())


def test_a_page_weighs_little(cast: Cast, as_user: AsUser) -> None:
    browser, heaviest = as_user(cast.olga), 0
    for name in sorted(name for name, route in routes.OF_A_WORKSPACE.items() if route.read):
        answer = browser.get(routes.path(name, cast.acme))
        if answer.streaming or not answer["Content-Type"].startswith("text/html"):
            continue
        loaded = set(re.findall(r'(?:src|href)="/static/([^"]*\.(?:css|js))"', answer.content.decode()))
        heaviest = max(heaviest, sum(map(compressed, loaded)))
    assert 0 < heaviest < 150_000


@functools.cache
def compressed(name: str) -> int:
    """The bytes of a built file as a browser gets it."""
    found = finders.find(name)
    assert isinstance(found, str), name
    return len(gzip.compress(Path(found).read_bytes()))
