"""Settings that work, and settings that could never work."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from stagewise_client import captcha
from stagewise_client.errors import ConfigError


@pytest.mark.parametrize("name", captcha.NAMES)
def test_every_provider_has_a_verifier_and_a_field_for_its_token(name: str) -> None:
    assert captcha.provider(name, secret="secret").verify("").reason == "missing"
    assert captcha.TOKEN_FIELDS[name]


@pytest.mark.parametrize(
    ("name", "settings", "line"),
    [
        ("turnstyle", {}, "unknown CAPTCHA provider 'turnstyle', did you mean 'turnstile'?"),
        ("reCAPTCHA-v3", {}, "unknown CAPTCHA provider 'reCAPTCHA-v3', did you mean 'recaptcha_v3'?"),
        ("sudoku", {}, "unknown CAPTCHA provider 'sudoku'; there are altcha, recaptcha_v2, recaptcha_v3, hcaptcha"),
        ("turnstile", {"secret": " \n"}, "the CAPTCHA provider turnstile needs its secret key"),
        ("altcha", {"secret": ""}, "the CAPTCHA provider altcha needs a key"),
        ("recaptcha_v3", {"min_score": 50}, "the CAPTCHA's lowest score is a number from 0 to 1, not 50"),
        ("recaptcha_v3", {"min_score": float("nan")}, "the CAPTCHA's lowest score is a number from 0 to 1, not nan"),
        ("turnstile", {"timeout": 0}, "the CAPTCHA's timeout is a number of seconds above 0, not 0"),
        ("turnstile", {"timeout": float("inf")}, "the CAPTCHA's timeout is a number of seconds above 0, not inf"),
        ("turnstile", {"url": "http://challenges.example"}, "the CAPTCHA's URL must begin with https://"),
        ("turnstile", {"url": "https://"}, "the CAPTCHA's URL must begin with https://"),
        ("turnstile", {"url": "https://[::1"}, "the CAPTCHA's URL must begin with https://"),
        ("turnstile", {"url": "https://host:port"}, "the CAPTCHA's URL must begin with https://"),
    ],
)
def test_what_could_never_work_is_one_clear_line(name: str, settings: dict[str, Any], line: str) -> None:
    with pytest.raises(ConfigError) as refused:
        captcha.provider(name, **{"secret": "secret"} | settings)
    assert str(refused.value).startswith(line)
    assert "\n" not in str(refused.value)


def test_importing_the_module_loads_no_library_that_only_a_verifier_needs() -> None:
    heavy = ("httpx2", "altcha", "urllib.request", "email_validator", "granian")
    script = (
        "import sys, stagewise_client.captcha as captcha; "
        f"loaded = [name for name in {heavy!r} if name in sys.modules]; "
        "captcha.provider('altcha', secret='k').verify('x'); "
        "print(loaded, 'httpx2' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"
