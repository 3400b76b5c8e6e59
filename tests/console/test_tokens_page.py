"""API tokens in the console: made, shown once, listed, revoked."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from stagewise.accounts import tokens
from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import ApiToken, AuditEntry, Member, User
from tests.console.pages import read, send
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]
PATH = "/w/acme/settings/tokens/"


def token_of(user: User, name: str = "Robot") -> ApiToken:
    return tokens.make(user.memberships.get(), name, [tokens.LEADS_READ], None).token


def test_a_token_is_shown_once_and_works(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.agnes)
    page = send(browser, PATH, name="Monday report", scopes=["leads:read", "leads:write"], days="90")
    shown = re.findall(r"swt_[\w-]{43}", page.html)
    assert len(set(shown)) == 1
    called = Client().get("/api/v1/leads", headers={"Authorization": f"Bearer {shown[0]}"})
    assert called.status_code == 200
    again = read(browser, PATH)
    assert shown[0] not in again.html
    assert "Monday report" in again.text
    assert "reads leads, works leads" in again.text
    made = ApiToken.objects.get()
    assert 89 < (made.expires_at or 0) / 86_400_000 - now_ms() / 86_400_000 < 91
    assert AuditEntry.objects.filter(action="token.made", actor="agnes@example.com", subject_id=made.pk).exists()


def test_what_was_typed_stays_when_something_is_wrong(cast: Cast, as_user: AsUser) -> None:
    page = send(as_user(cast.agnes), PATH, name="Monday report", days="")
    assert page.status == 422
    assert "Choose at least one thing" in page.text
    assert page.values["name"] == "Monday report"
    assert send(as_user(cast.agnes), PATH, name="x", scopes=["leads:read"], days="7").status == 422
    assert not ApiToken.objects.exists()


def test_a_role_is_offered_only_what_it_may_do(cast: Cast, as_user: AsUser) -> None:
    assert "leads:write" in read(as_user(cast.agnes), PATH).text
    assert "leads:write" not in read(as_user(cast.vera), PATH).text
    assert send(as_user(cast.vera), PATH, name="x", scopes=["leads:write"], days="30").status == 422


def test_members_see_their_own_tokens_and_admins_all_of_them(cast: Cast, as_user: AsUser) -> None:
    for user, name in ((cast.olga, "Olga's"), (cast.agnes, "Agnes's")):
        token_of(user, name)
    token_of(cast.stan, "Stan's")
    agnes, adam = read(as_user(cast.agnes), PATH).text, read(as_user(cast.adam), PATH).text
    assert ("Agnes's" in agnes, "Olga's" in agnes, "Stan's" in agnes) == (True, False, False)
    assert ("Agnes's" in adam, "Olga's" in adam, "Stan's" in adam) == (True, True, False)


def test_a_token_is_revoked_and_undo_puts_it_back(cast: Cast, as_user: AsUser) -> None:
    token, browser = token_of(cast.agnes), as_user(cast.agnes)
    page = send(browser, f"{PATH}{token.pk}/revoke/")
    assert "“Robot” is revoked: its next call is refused." in page.text
    assert f'action="{PATH}{token.pk}/restore/"' in page.html
    assert "Tokens that have ended" in page.text
    assert "“Robot” works again." in send(browser, f"{PATH}{token.pk}/restore/").text
    token.refresh_from_db()
    assert token.revoked_at is None


def test_admins_revoke_the_tokens_of_others_and_agents_do_not(cast: Cast, as_user: AsUser) -> None:
    token = token_of(cast.olga)
    refused = as_user(cast.agnes).post(f"{PATH}{token.pk}/revoke/")
    assert refused.status_code == 403
    assert send(as_user(cast.adam), f"{PATH}{token.pk}/revoke/").status == 200
    assert as_user(cast.agnes).post(f"{PATH}{token.pk}/restore/").status_code == 403
    token.refresh_from_db()
    assert token.revoked_at is not None


def test_the_state_of_a_token_is_said_in_words(cast: Cast, as_user: AsUser) -> None:
    browser = as_user(cast.olga)
    used, soon, over, gone = (token_of(user) for user in (cast.olga, cast.olga, cast.olga, cast.agnes))
    ApiToken.objects.filter(pk=used.pk).update(last_used_at=now_ms() - 3_600_000)
    ApiToken.objects.filter(pk=soon.pk).update(expires_at=now_ms() + 5 * 86_400_000)
    ApiToken.objects.filter(pk=over.pk).update(expires_at=now_ms() - 5 * 86_400_000)
    Member.objects.filter(pk=gone.member_id).update(deactivated_at=now_ms())
    text = read(browser, PATH).text
    for words in ("Last used 1 hour ago", "Not used yet", "No end", "Ends in", "Expired", "Refused: its member"):
        assert words in text, words
