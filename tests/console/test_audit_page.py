"""The audit: who changed what from what to what, when, from where; and the way back."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

import stagewise
from stagewise.accounts import audit, audit_reading
from stagewise.accounts.models import AuditEntry, User
from stagewise.console import audit_words
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.leads import working
from tests.console import pages
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
AUDIT = "/w/acme/settings/audit/"


def saved(cast: Cast, actor: str = "olga@example.com", **changes: object) -> AuditEntry:
    save_rules(cast.acme.endpoint, RuleChanges(**changes), actor, "203.0.113.7")  # type: ignore[arg-type]
    return AuditEntry.objects.filter(action="endpoint.saved").latest("id")


def undo(page: pages.Page) -> str:
    found = re.search(r'<li[^>]*>\s*<span>.*?<form method="post" action="([^"]+)">', page.html, re.DOTALL)
    assert found, page.text
    return found[1]


def test_a_change_reads_as_a_sentence_with_old_and_new_and_where_from(cast: Cast, as_user: AsUser) -> None:
    User.objects.filter(pk=cast.olga.pk).update(name="Olga Weber")
    saved(cast, max_leads_per_ip=None, allowed_ips=["203.0.113.7", "10.0.0.0/8"], enabled=False)
    page = pages.read(as_user(cast.adam), AUDIT)
    for words in (
        "Olga Weber changed the endpoint “My website”",
        "203.0.113.7",
        "Maximum leads per IP 10 became no limit",
        "Allowed IPs added 203.0.113.7, 10.0.0.0/8",
        "Takes leads on became off",
    ):
        assert words in page.text


def test_a_change_made_on_a_page_says_from_where(cast: Cast, as_user: AsUser) -> None:
    as_user(cast.adam).post("/w/acme/lead-types/add/", {"name": "Repairs"})
    entry = AuditEntry.objects.latest("id")
    assert (entry.action, entry.actor, entry.address) == ("lead_type.added", "adam@example.com", "127.0.0.1")


def test_one_sees_the_settings_by_person_and_kind_and_work_on_leads_apart(cast: Cast, as_user: AsUser) -> None:
    saved(cast, "adam@example.com", enabled=False)
    working.assign(cast.acme.lead, None, "agnes@example.com")
    working.set_stage(cast.acme.lead, cast.acme.types[0].stages.get(name="Won"), "agnes@example.com")
    olga = as_user(cast.olga)
    everything = pages.read(olga, AUDIT).text
    assert "adam@example.com changed the endpoint" in everything
    assert "to another stage" not in everything
    assert "Grace Hopper to another stage" in pages.read(olga, f"{AUDIT}?kind=leads").text
    of_adam = pages.read(olga, f"{AUDIT}?person=adam%40example.com").text
    assert "adam@example.com changed the endpoint" in of_adam
    assert "added the lead type" not in of_adam
    assert "Stagewise added the lead type “General”" in pages.read(olga, f"{AUDIT}?person=-&kind=lead_types").text
    assert "Nothing of this kind was changed" in pages.read(olga, f"{AUDIT}?kind=tokens").text


@pytest.mark.parametrize(
    "query", ["before=x", "before=99999999999999999999", "kind=nonsense", "person=%00", "before=-1"]
)
def test_whatever_stands_in_the_query_there_is_a_page(cast: Cast, as_user: AsUser, query: str) -> None:
    assert as_user(cast.olga).get(f"{AUDIT}?{query}").status_code == 200


def test_older_entries_are_pages_further_on(cast: Cast, as_user: AsUser) -> None:
    for number in range(audit_reading.PAGE_SIZE + 5):
        audit.record(cast.acme.workspace, "", "lead_type.added", f"Kind {number:03}")
    olga = as_user(cast.olga)
    first = pages.read(olga, f"{AUDIT}?kind=lead_types")
    assert "Kind 054" in first.text
    assert "Kind 004" not in first.text
    older = re.search(r'href="(\?[^"]*before=\d+)"', first.html)
    assert older
    second = pages.read(olga, AUDIT + older[1].replace("&amp;", "&"))
    assert "Kind 004" in second.text
    assert "Kind 005" not in second.text
    assert "Newest" in second.text


def test_revert_takes_a_change_back_and_undo_makes_it_again(cast: Cast, as_user: AsUser) -> None:
    entry, adam = saved(cast, max_leads_per_ip=50), as_user(cast.adam)
    assert f"{AUDIT}{entry.pk}/revert/" in pages.read(adam, AUDIT).html
    page = pages.send(adam, f"{AUDIT}{entry.pk}/revert/")
    assert "“My website” is as before: Maximum leads per IP." in page.text
    cast.acme.endpoint.refresh_from_db()
    assert cast.acme.endpoint.max_leads_per_ip == 10
    newest = AuditEntry.objects.filter(action="endpoint.saved").latest("id")
    assert (newest.actor, newest.address) == ("adam@example.com", "127.0.0.1")
    pages.send(adam, undo(page))
    cast.acme.endpoint.refresh_from_db()
    assert cast.acme.endpoint.max_leads_per_ip == 50


def test_what_somebody_changed_since_stays_and_the_page_says_so(cast: Cast, as_user: AsUser) -> None:
    entry = saved(cast, max_leads_per_ip=50, allow_all_ips=True)
    saved(cast, "adam@example.com", max_leads_per_ip=70)
    adam = as_user(cast.adam)
    page = pages.send(adam, f"{AUDIT}{entry.pk}/revert/")
    assert "Left as it is, because it was changed again since: Maximum leads per IP." in page.text
    again = pages.send(adam, f"{AUDIT}{entry.pk}/revert/")
    assert "These settings were changed again in the meantime." in again.text


def test_only_saved_changes_of_endpoints_can_be_reverted(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)
    assert "/revert/" not in pages.read(olga, AUDIT).html
    entry = AuditEntry.objects.filter(workspace=cast.acme.workspace, action="lead_type.added")[0]
    assert olga.post(f"{AUDIT}{entry.pk}/revert/").status_code == 404


def test_a_secret_stands_nowhere(cast: Cast, as_user: AsUser) -> None:
    secret = "6LeIxAcTAAAAAGG-vFI1TnRWxMZNFuojJ4WifJWe"
    saved(cast, captcha={"provider": "recaptcha_v2", "site_key": "site", "secret": secret})
    page = pages.read(as_user(cast.olga), AUDIT)
    assert secret not in page.html
    assert "CAPTCHA: secret key" in page.text


def test_names_are_shown_as_text(cast: Cast, as_user: AsUser) -> None:
    User.objects.filter(pk=cast.olga.pk).update(name="<b>{who}</b>{0}")
    saved(cast, name="<script>{what}%s</script>")
    page = pages.read(as_user(cast.olga), AUDIT)
    assert "<b>{who}</b>{0} changed the endpoint “<script>{what}%s</script>”" in page.text
    assert "<script>{what}" not in page.html


def test_every_action_that_the_code_records_has_a_sentence() -> None:
    """By reading the code: whoever records something new says here what it is called."""
    recorded = set()
    for path in Path(stagewise.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _called(node) in {"record", "_changed", "_record"}:
                words = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant)]
                recorded |= {
                    word for word in words if isinstance(word, str) and re.fullmatch(r"[a-z_]+\.[a-z_]+", word)
                }
    of_workspaces = {each for each in recorded if not each.startswith(("login.", "password.", "factors."))}
    assert len(of_workspaces) > 50
    assert of_workspaces - set(audit_words._SENTENCES) == set()


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def test_the_number_of_queries_does_not_grow_with_the_entries(cast: Cast, as_user: AsUser) -> None:
    olga = as_user(cast.olga)

    def queries(kind: str) -> int:
        olga.get(f"{AUDIT}?kind={kind}")
        with CaptureQueriesContext(connection) as seen:
            assert olga.get(f"{AUDIT}?kind={kind}").status_code == 200
        return len(seen)

    saved(cast, max_leads_per_ip=49)
    audit.record(cast.acme.workspace, "", "lead.assigned", str(cast.acme.lead.public_id))
    before = queries(""), queries("leads")
    for number in range(60):
        saved(cast, max_leads_per_ip=50 + number)
        audit.record(cast.acme.workspace, "", "lead.assigned", str(cast.acme.lead.public_id))
    assert (queries(""), queries("leads")) == before
