"""Who gets in with a token, who does not, and what a token may do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import time_machine
from django.test import Client

from stagewise.accounts import tokens
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import ApiToken, ApiUse, AuditEntry, Member, User
from stagewise.api import limits
from tests.api.program import Program
from tests.console.state import everything
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

OfUser = Callable[..., Program]


def calls(cast: Cast) -> dict[str, tuple[str, str, object]]:
    """A call of every operation: its scope → method, path, body."""
    one = f"/leads/{cast.acme.lead.public_id}"
    return {
        "list": ("GET", "/leads", None),
        "read": ("GET", one, None),
        "change": ("PATCH", one, {"stage": "Won"}),
        "notes": ("GET", f"{one}/notes", None),
        "note": ("POST", f"{one}/notes", {"text": "Called."}),
        "types": ("GET", "/lead-types", None),
    }


OPERATIONS = ["list", "read", "change", "notes", "note", "types"]
NEEDS = {"change": tokens.LEADS_WRITE, "note": tokens.LEADS_WRITE, "types": tokens.LEAD_TYPES_READ}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_token_nothing_is_told_and_nothing_changes(cast: Cast, operation: str) -> None:
    method, path, body = calls(cast)[operation]
    before = everything()
    answer = Program(None, "").call(method, path, body)
    assert (answer.status, answer.code) == (401, "token_missing")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert everything() == before


@pytest.mark.parametrize("header", ["Basic b2xnYTpwdw==", "Bearer", "Bearer ", "swt_abc", "Token swt_abc"])
def test_another_way_to_log_in_is_no_token(cast: Cast, header: str) -> None:
    assert Program(None, "").get("/leads", Authorization=header).code == "token_missing"


def test_a_login_of_the_console_is_no_way_in(cast: Cast) -> None:
    browser = Client()
    browser.force_login(cast.olga)
    answer = browser.get("/api/v1/leads")
    assert answer.status_code == 401
    assert not answer.cookies


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("scope", tokens.SCOPES)
def test_a_token_does_what_its_scope_says_and_nothing_else(
    cast: Cast, of_user: OfUser, operation: str, scope: str
) -> None:
    method, path, body = calls(cast)[operation]
    answer = of_user(cast.agnes, scopes=[scope]).call(method, path, body)
    if NEEDS.get(operation, tokens.LEADS_READ) == scope:
        assert answer.status in {200, 201}, answer.text
    else:
        assert (answer.status, answer.code) == (403, "scope_missing")
        assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_never_does_more_than_its_members_role_allows_now(cast: Cast, of_user: OfUser, operation: str) -> None:
    program = of_user(cast.agnes)
    Member.objects.filter(user=cast.agnes).update(role="viewer")
    method, path, body = calls(cast)[operation]
    answer = program.call(method, path, body)
    if method == "GET":
        assert answer.status == 200
    else:
        assert (answer.status, answer.code) == (403, "role_too_small")


def test_a_viewer_cannot_make_a_token_that_writes(cast: Cast) -> None:
    with pytest.raises(ActionError) as refused:
        tokens.make(cast.vera.memberships.get(), "Robot", [tokens.LEADS_WRITE], None)
    assert list(refused.value.problems) == ["scopes"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_sees_its_own_workspace_only(cast: Cast, of_user: OfUser, operation: str) -> None:
    method, path, body = calls(cast)[operation]
    answer = of_user(cast.stan).call(method, path, body)
    if "/leads/" in path:
        assert (answer.status, answer.code) == (404, "not_found")
    elif operation == "list":
        assert [lead["id"] for lead in answer.json["leads"]] == [str(cast.next_door.lead.public_id)]
    assert str(cast.acme.lead.public_id) not in answer.text


def test_names_of_another_workspace_mean_nothing_here(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.stan)
    for query in ("owner=agnes@example.com", "tag=vip", "lead_type=Gardens", "endpoint=Shop"):
        assert program.get(f"/leads?{query}").code == "invalid_parameters"


def test_a_token_is_refused_from_the_moment_its_member_may_not_come_in(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.agnes)
    assert program.get("/leads").status == 200
    Member.objects.filter(user=cast.agnes).update(deactivated_at=now_ms())
    assert program.get("/leads").code == "member_inactive"
    Member.objects.filter(user=cast.agnes).update(deactivated_at=None)
    User.objects.filter(pk=cast.agnes.pk).update(is_active=False)
    assert program.get("/leads").code == "member_inactive"


def test_a_revoked_token_is_refused_at_once_until_that_is_undone(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.agnes)
    assert program.token is not None
    tokens.revoke(program.token, "olga@example.com")
    assert (program.get("/leads").status, program.get("/leads").code) == (401, "token_revoked")
    tokens.restore(program.token, "olga@example.com")
    assert program.get("/leads").status == 200
    entries = AuditEntry.objects.filter(action__startswith="token.").values_list("action", "actor")
    assert list(entries.order_by("id"))[1:] == [
        ("token.revoked", "olga@example.com"),
        ("token.restored", "olga@example.com"),
    ]


def test_undo_works_for_a_while_only(cast: Cast, of_user: OfUser) -> None:
    token = of_user(cast.agnes).token
    assert token is not None
    tokens.revoke(token)
    ApiToken.objects.update(revoked_at=now_ms() - tokens.UNDO_MS - 1)
    with pytest.raises(ActionError):
        tokens.restore(token)


def test_a_token_ends_when_its_time_is_over(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.agnes, days=1)
    assert program.get("/leads").status == 200
    ApiToken.objects.update(expires_at=now_ms())
    assert program.get("/leads").code == "token_expired"


@pytest.mark.parametrize("mangle", [str.lower, str.upper, lambda s: s[:-1], lambda s: s + "x", lambda s: s[4:]])
def test_a_token_that_is_not_exactly_it_is_unknown(cast: Cast, of_user: OfUser, mangle: Callable[[str], str]) -> None:
    assert Program(None, mangle(of_user(cast.agnes).secret)).get("/leads").code == "token_unknown"


def test_the_database_holds_nothing_that_one_could_call_with(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.agnes)
    assert re.fullmatch(r"swt_[A-Za-z0-9_-]{43}", program.secret)
    assert program.secret not in str(everything())
    assert program.token is not None
    assert program.secret.startswith(program.token.hint)
    assert len(program.token.hint) == 8


def test_what_is_wrong_with_a_new_token_is_said_by_field(cast: Cast) -> None:
    agnes = cast.agnes.memberships.get()
    with pytest.raises(ActionError) as refused:
        tokens.make(agnes, " ", [], 0)
    assert sorted(refused.value.problems) == ["days", "name", "scopes"]
    with pytest.raises(ActionError):
        tokens.make(agnes, "Robot", ["leads:delete"], None)


def test_nobody_has_tokens_without_end(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MOST", 2)
    agnes = cast.agnes.memberships.get()
    first = tokens.make(agnes, "One", [tokens.LEADS_READ], None)
    tokens.make(agnes, "Two", [tokens.LEADS_READ], None)
    with pytest.raises(ActionError):
        tokens.make(agnes, "Three", [tokens.LEADS_READ], None)
    tokens.revoke(first.token)
    assert tokens.make(agnes, "Three", [tokens.LEADS_READ], None).token.pk


# The limit


def test_every_call_is_counted_and_says_how_many_are_left(cast: Cast, of_user: OfUser) -> None:
    program = of_user(cast.agnes, scopes=[tokens.LEADS_READ])
    with time_machine.travel("2026-11-22T12:00:18Z", tick=False):
        if now_ms() // 1000 != 1795348818:
            pytest.skip("the clock is the database's")
        first = program.get("/leads")
        # Refused for its scope, counted all the same.
        second = program.get("/lead-types")
    assert first.headers["RateLimit-Policy"] == '"calls-per-token";q=600;w=60'
    assert first.headers["RateLimit"] == '"calls-per-token";r=599;t=42'
    assert second.headers["RateLimit"] == '"calls-per-token";r=598;t=42'


def test_a_token_that_has_used_its_minute_waits_for_the_next(
    cast: Cast, of_user: OfUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "CALLS", 3)
    at = now_ms() // 60_000 * 60_000
    monkeypatch.setattr(limits, "now_ms", lambda: at)
    program, other = of_user(cast.agnes), of_user(cast.agnes)
    assert [program.get("/leads").status for _ in range(3)] == [200, 200, 200]
    refused = program.get("/leads")
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "60"
    assert refused.headers["RateLimit"] == '"calls-per-token";r=0;t=60'
    # It is not even counted, so that it holds up nobody.
    assert ApiUse.objects.get(token=program.token).count == 3
    assert other.get("/leads").status == 200
    at += 60_000
    assert program.get("/leads").status == 200


def test_when_a_token_was_last_used_is_kept_to_the_minute(
    cast: Cast, of_user: OfUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = of_user(cast.agnes)
    at = 1_795_348_818_123
    monkeypatch.setattr(limits, "now_ms", lambda: at)
    program.get("/leads")
    assert program.token is not None
    program.token.refresh_from_db()
    assert program.token.last_used_at == 1_795_348_800_000
