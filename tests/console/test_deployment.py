"""Django's settings as they follow from an installation's: looked at in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.shared import ROOT

SHOW = """
import json, django
from django.conf import settings
django.setup()
from django.core.management import call_command
call_command("check", deploy=True, fail_level="WARNING", verbosity=0)
names = [name for name in dir(settings) if name.isupper()]
print(json.dumps({name: getattr(settings, name) for name in names}, default=str))
"""


def settings_of(data_dir: Path, **ours: str) -> dict[str, Any]:
    """All settings of an installation, after ``check --deploy`` found nothing to warn of."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("STAGEWISE_", "DJANGO_"))}
    environ |= {"STAGEWISE_DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "stagewise.site.settings"}
    environ |= {f"STAGEWISE_{name.upper()}": value for name, value in ours.items()}
    done = subprocess.run(
        [sys.executable, "-c", SHOW], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_on_this_machine_cookies_work_without_tls(tmp_path: Path) -> None:
    found = settings_of(tmp_path)
    assert (found["SESSION_COOKIE_NAME"], found["SESSION_COOKIE_SECURE"]) == ("session", False)
    assert found["ALLOWED_HOSTS"] == ["127.0.0.1", "[::1]", "localhost"]
    assert found["SECURE_HSTS_SECONDS"] == 0
    assert found["DEBUG"] is False
    assert len(found["SECRET_KEY"]) >= 50


def test_a_console_on_https_has_cookies_for_its_host_alone_and_hsts(tmp_path: Path) -> None:
    found = settings_of(tmp_path, console_url="https://console.example.com")
    for cookie in ("SESSION", "CSRF"):
        assert found[f"{cookie}_COOKIE_NAME"].startswith("__Host-")
        assert found[f"{cookie}_COOKIE_SECURE"] is True
        assert found[f"{cookie}_COOKIE_DOMAIN"] is None
        assert found[f"{cookie}_COOKIE_PATH"] == "/"
    assert found["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert "console.example.com" in found["ALLOWED_HOSTS"]
    assert found["CSRF_TRUSTED_ORIGINS"] == ["https://console.example.com"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.com", ("mail.example.com", 25, False, False, "", "")),
        ("smtp://me:p%40ss@mail.example.com", ("mail.example.com", 587, True, False, "me", "p@ss")),
        ("smtps://me:secret@mail.example.com", ("mail.example.com", 465, False, True, "me", "secret")),
        ("smtp://me:secret@mail.example.com:2525", ("mail.example.com", 2525, True, False, "me", "secret")),
    ],
)
def test_a_mail_server_is_used_as_its_url_says(tmp_path: Path, url: str, expected: tuple[object, ...]) -> None:
    found = settings_of(tmp_path, smtp_url=url, mail_from="Acme <leads@example.com>")
    names = ("HOST", "PORT", "USE_TLS", "USE_SSL", "HOST_USER", "HOST_PASSWORD")
    assert tuple(found[f"EMAIL_{name}"] for name in names) == expected
    assert found["EMAIL_BACKEND"] == "stagewise.site.mail.BackgroundBackend"
    assert found["DEFAULT_FROM_EMAIL"] == "Acme <leads@example.com>"


def test_without_a_mail_server_mail_goes_to_the_log(tmp_path: Path) -> None:
    assert settings_of(tmp_path)["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"


def test_a_database_server_that_vanishes_is_noticed_whatever_the_url_says_besides(tmp_path: Path) -> None:
    url = "postgresql://stagewise@10.0.0.21,10.0.0.22/stagewise?target_session_attrs=read-write&keepalives_idle=3"
    database = settings_of(tmp_path, database_url=url)["DATABASES"]["default"]
    assert database["HOST"] == "10.0.0.21,10.0.0.22"
    assert database["OPTIONS"] == {
        "connect_timeout": 5,
        "keepalives_idle": "3",
        "keepalives_interval": 5,
        "keepalives_count": 2,
        "tcp_user_timeout": 10_000,
        "options": "-c jit=off",
        "target_session_attrs": "read-write",
    }


def test_what_the_url_asks_of_the_server_comes_after_what_we_ask(tmp_path: Path) -> None:
    url = "postgresql://stagewise@10.0.0.21/stagewise?options=-c%20search_path%3Dleads%20-c%20jit%3Don"
    database = settings_of(tmp_path, database_url=url)["DATABASES"]["default"]
    assert database["OPTIONS"]["options"] == "-c jit=off -c search_path=leads -c jit=on"
