"""Two factors: an authenticator app, recovery codes, and proving once more that it is still you.

Passkeys take a browser: tests/test_people_browser.py.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import struct
import time
from collections.abc import Callable

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core import mail
from django.test import Client
from pytest_django import DjangoCaptureOnCommitCallbacks

from stagewise.accounts import second_factors
from stagewise.accounts.models import AuditEntry, User
from tests.console import pages
from tests.console.pages import Page
from tests.support.cast import PASSWORD, Cast

pytestmark = pytest.mark.django_db

AsUser = Callable[[User], Client]


def code_of(secret: str, steps: int = 0) -> str:
    """The six digits of now, or of so many half minutes later (RFC 6238)."""
    counter = struct.pack(">Q", int(time.time()) // 30 + steps)
    digest = hmac.new(base64.b32decode(secret), counter, hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    return f"{(struct.unpack('>I', digest[offset : offset + 4])[0] & 0x7FFFFFFF) % 1_000_000:06}"


def log_in(email: str = "olga@example.com") -> Client:
    browser = Client()
    browser.post("/login/", {"login": email, "password": PASSWORD})
    return browser


def confirmed(email: str = "olga@example.com") -> Client:
    """Logged in, and proved once more."""
    browser = log_in(email)
    browser.post("/account/confirm/", {"password": PASSWORD})
    return browser


def set_up_app(browser: Client) -> tuple[str, Page]:
    """Set up an app; its secret, and the page after it, which shows the recovery codes."""
    page = pages.read(browser, "/account/app/")
    found = re.search(r'<code id="key"[^>]*>([A-Z2-7]+)</code>', page.html)
    assert found, page.text
    return found[1], pages.send(browser, "/account/app/", code=code_of(found[1]))


def codes_on(page: Page) -> list[str]:
    return re.findall(r"<li>(\d{8})</li>", page.html)


def is_in(browser: Client) -> bool:
    return browser.get("/w/acme/leads/").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/account/app/", "/account/passkeys/add/", "/account/codes/new/"],
)
def test_before_the_way_in_is_changed_one_proves_once_more_who_one_is(cast: Cast, path: str) -> None:
    browser = log_in()
    answer = browser.get(path)
    assert answer["Location"].startswith("/account/confirm/?next=")
    page = pages.read(browser, path)
    assert "Is it still you?" in page.text
    wrong = pages.send(browser, f"/account/confirm/?next={path}", password="wrong password")
    assert 'id="password-problems" role="alert"' in wrong.html
    sent = browser.post("/account/confirm/", {"password": PASSWORD, "next": path})
    assert sent["Location"] == path
    assert browser.get(path).status_code == 200
    with time_machine.travel(time.time() + 301):
        assert browser.get(path).status_code == 302


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_proving_it_leads_to_no_other_site(cast: Cast, target: str) -> None:
    assert log_in().post("/account/confirm/", {"password": PASSWORD, "next": target})["Location"] == "/"


def test_an_app_is_set_up_with_a_code_from_it_and_recovery_codes_are_shown(
    cast: Cast, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    browser = confirmed()
    with django_capture_on_commit_callbacks(execute=True):
        secret, page = set_up_app(browser)
    assert "Your recovery codes" in page.text
    assert len(codes_on(page)) == 10
    account = pages.read(browser, "/account/")
    assert "guarded by two factors" in account.text
    assert "10 are left" in account.text
    assert "two factors" in pages.read(browser, "/w/acme/settings/team/").text
    assert mail.outbox[-1].to == ["olga@example.com"]
    assert "An authenticator app was set up" in str(mail.outbox[-1].body)
    assert AuditEntry.objects.filter(actor="olga@example.com", action="factors.totp_added").exists()
    assert secret not in str(list(AuditEntry.objects.values()))


def test_a_wrong_code_sets_up_nothing_and_keeps_the_key(cast: Cast) -> None:
    browser = confirmed()
    page = pages.read(browser, "/account/app/")
    again = pages.send(browser, "/account/app/", code="000000")
    assert 'id="code-problems" role="alert"' in again.html
    key = r'<code id="key"[^>]*>([A-Z2-7]+)</code>'
    assert re.findall(key, page.html) == re.findall(key, again.html)
    assert not Authenticator.objects.exists()


def test_the_picture_is_a_file_of_its_own_and_only_while_an_app_is_set_up(cast: Cast) -> None:
    browser = confirmed()
    assert browser.get("/account/app/qr.svg").status_code == 404
    page = pages.read(browser, "/account/app/")
    assert 'src="/account/app/qr.svg"' in page.html
    picture = browser.get("/account/app/qr.svg")
    assert picture["Content-Type"] == "image/svg+xml"
    assert picture["Cache-Control"] == "no-store"
    assert b"<svg" in picture.content


def test_with_an_app_a_password_alone_lets_nobody_in(cast: Cast) -> None:
    secret, _page = set_up_app(confirmed())
    browser = log_in()
    assert not is_in(browser)
    page = pages.read(browser, "/login/second-factor/")
    assert "One more step" in page.text
    assert "did not work" in pages.send(browser, "/login/second-factor/", code="000000").text
    assert not is_in(browser)
    answer = browser.post("/login/second-factor/", {"code": code_of(secret)})
    assert answer["Location"] == "/"
    assert is_in(browser)


def test_one_goes_on_to_where_one_wanted(cast: Cast) -> None:
    secret, _page = set_up_app(confirmed())
    browser = Client()
    browser.post("/login/", {"login": "olga@example.com", "password": PASSWORD, "next": "/w/acme/logs/"})
    assert browser.post("/login/second-factor/", {"code": code_of(secret)})["Location"] == "/w/acme/logs/"


def test_a_code_works_once(cast: Cast) -> None:
    secret, _page = set_up_app(confirmed())
    code = code_of(secret)
    first, second = log_in(), log_in()
    first.post("/login/second-factor/", {"code": code})
    second.post("/login/second-factor/", {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)


def test_a_recovery_code_works_once(cast: Cast) -> None:
    _secret, page = set_up_app(confirmed())
    code = codes_on(page)[0]
    first, second = log_in(), log_in()
    first.post("/login/second-factor/", {"code": code})
    second.post("/login/second-factor/", {"code": code})
    assert (is_in(first), is_in(second)) == (True, False)
    assert second_factors.of_user(cast.olga).codes == 9


def test_after_some_wrong_codes_one_has_to_wait(cast: Cast) -> None:
    secret, _page = set_up_app(confirmed())
    browser = log_in()
    for _ in range(5):
        browser.post("/login/second-factor/", {"code": "000000"})
    page = pages.send(browser, "/login/second-factor/", code=code_of(secret))
    assert "Too many failed login attempts" in page.text
    assert not is_in(browser)
    assert AuditEntry.objects.filter(action="factors.failed").count() == 5


def test_new_recovery_codes_end_the_old_ones(cast: Cast) -> None:
    browser = confirmed()
    _secret, page = set_up_app(browser)
    old = codes_on(page)
    new = codes_on(pages.send(browser, "/account/codes/new/"))
    assert len(new) == 10
    assert set(new).isdisjoint(old)
    assert codes_on(pages.read(browser, "/account/codes/")) == new
    downloaded = browser.get("/account/codes/download/")
    assert downloaded["Content-Type"].startswith("text/plain")
    assert new[0] in downloaded.content.decode()
    late = log_in()
    late.post("/login/second-factor/", {"code": old[0]})
    assert not is_in(late)


def test_taken_away_the_password_is_enough_again_and_the_codes_are_gone(cast: Cast) -> None:
    browser = confirmed()
    set_up_app(browser)
    assert "Take the authenticator app away?" in pages.read(browser, "/account/app/remove/").text
    page = pages.send(browser, "/account/app/remove/")
    assert "guarded by a password alone" in page.text
    assert not Authenticator.objects.exists()
    assert is_in(log_in())


def test_the_database_alone_opens_nothing(cast: Cast) -> None:
    secret, page = set_up_app(confirmed())
    kept = str(list(Authenticator.objects.values("data")))
    assert secret not in kept
    assert not any(code in kept for code in codes_on(page))


def test_whoever_lost_everything_is_let_in_by_the_operator(cast: Cast) -> None:
    set_up_app(confirmed())
    assert not is_in(log_in())
    assert second_factors.take_away(cast.olga) == 1
    assert is_in(log_in())
    assert second_factors.take_away(cast.olga) == 0


def test_nobody_reaches_the_passkeys_of_others(cast: Cast) -> None:
    theirs = Authenticator.objects.create(user=cast.stan, type=Authenticator.Type.WEBAUTHN, data={"name": "x"})
    browser = confirmed()
    for act in ("rename", "remove"):
        assert browser.get(f"/account/passkeys/{theirs.pk}/{act}/").status_code == 404
        assert browser.post(f"/account/passkeys/{theirs.pk}/{act}/", {"name": "mine"}).status_code == 404


@pytest.mark.parametrize(
    "credential",
    ["", "{}", "null", "[]", "not json", '{"id": "x", "rawId": "x", "type": "public-key", "response": {}}'],
)
def test_a_made_up_passkey_lets_nobody_in(cast: Cast, credential: str) -> None:
    browser = Client()
    started = browser.get("/login/passkey/", headers={"accept": "application/json"})
    assert started.json()["request_options"]["publicKey"]["userVerification"] == "required"
    answer = browser.post("/login/passkey/", {"credential": credential})
    assert answer["Location"] == "/login/"
    assert not is_in(browser)


def test_a_changed_password_is_told_by_mail(cast: Cast) -> None:
    new = "an entirely new passphrase"
    log_in().post("/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new})
    [message] = mail.outbox
    assert "The password was changed." in str(message.body)
    assert new not in str(message.body)
