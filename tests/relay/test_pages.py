"""docs/relay.md, docs/captcha.md and the files in deploy/ say what the relay does; their examples run."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stagewise_client import captcha
from stagewise_client.relay import answers
from stagewise_client.relay.config import HELP, LISTENING, PREFIX, from_environment

from tests.relay.conftest import Visit, said
from tests.relay.double import Endpoint

ROOT = Path(__file__).parent.parent.parent
RELAY, CAPTCHA = ((ROOT / "docs" / name).read_text() for name in ("relay.md", "captcha.md"))


def examples(page: str, language: str) -> list[str]:
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```$", page, re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def rows(page: str, heading: str) -> str:
    """The first cells of the tables below a heading."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    return "\n".join(re.findall(r"^\| (.+?) \|", section, re.MULTILINE))


def test_every_setting_is_described() -> None:
    described = re.findall(r"`(\w+)`", rows(RELAY, "Settings"))
    assert described == list(HELP)
    for name in LISTENING:
        assert f"`{name}`" in RELAY


def test_every_refusal_is_described() -> None:
    section = RELAY.split("\n## What visitors are told\n")[1].split("\n## ")[0]
    described = {
        (int(status), code)
        for status, codes in re.findall(r"^\| (\d{3}) \| (.+?) \|", section, re.MULTILINE)
        for code in re.findall(r"`(\w+)`", codes)
    }
    assert described == {(status, code) for code, (status, _) in answers._DETAILS.items()}


def test_the_answer_that_is_shown_is_the_one_that_is_given(visit: Visit) -> None:
    shown = json.loads(examples(RELAY, "json")[0])
    given = said(visit.send({"name": "Ada", "phone": "+44 20 7946 0018", "email": "ada"}))
    assert shown | {"request_id": given["request_id"]} == given


def test_the_log_line_that_is_shown_has_the_names_of_a_real_one(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        visit.send()
    written = [json.loads(record.getMessage()) for record in caplog.records if record.name == "stagewise_client.relay"]
    shown = json.loads(examples(RELAY, "json")[1])
    assert [name for name in shown if name not in {"at", "level"}] == list(written[-1])


def run_fastapi(made: dict[str, Any]) -> int:
    from starlette.testclient import TestClient

    return int(TestClient(made["app"]).get("/contact/challenge").status_code)


def run_flask(made: dict[str, Any]) -> int:
    return int(made["app"].test_client().get("/contact/challenge").status_code)


def run_django(made: dict[str, Any]) -> int:
    from django.test import Client, override_settings

    urls = type("Urls", (), {"urlpatterns": made["urlpatterns"]})
    with override_settings(ROOT_URLCONF=urls, ALLOWED_HOSTS=["testserver"], MIDDLEWARE=[]):
        return int(Client().get("/contact/challenge").status_code)


@pytest.mark.parametrize(("number", "run"), [(0, run_fastapi), (1, run_flask), (2, run_django)])
def test_the_example_for_a_framework_works_as_pasted(
    number: int,
    run: Callable[[dict[str, Any]], int],
    endpoint: Endpoint,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LEADS_ENDPOINT_URL", endpoint.url)
    monkeypatch.chdir(tmp_path)
    made: dict[str, Any] = {"__name__": "example"}
    exec(examples(RELAY, "python")[number], made)
    assert run(made) == 200


def test_the_commands_settings_are_settings(tmp_path: Path) -> None:
    for example in [*examples(RELAY, "sh"), *examples(CAPTCHA, "sh")]:
        for name in re.findall(rf"export {PREFIX}(\w+)=", example):
            assert name.lower() in HELP


def test_the_captchas_table_names_providers_and_fields() -> None:
    named = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| `([\w-]+)` \|", CAPTCHA, re.MULTILINE)
    found = {provider: field for names, field in named for provider in re.findall(r"`(\w+)`", names)}
    assert found == captcha.TOKEN_FIELDS
    for name in captcha.NAMES:
        assert re.search(rf"^\| \[.+?\]\(.+?\) \| `{name}` \|", CAPTCHA, re.MULTILINE)


def test_every_reason_of_a_verdict_is_described() -> None:
    from typing import get_args

    described = set(re.findall(r"^\| `(\w+)` \|", rows_of_reasons(), re.MULTILINE))
    assert described == set(get_args(captcha.Reason)) - {""}


def rows_of_reasons() -> str:
    return CAPTCHA.split("| `verdict.reason` | |")[1].split("\n\n")[0]


def test_the_example_with_altcha_works_as_pasted() -> None:
    made: dict[str, Any] = {}
    exec(examples(CAPTCHA, "python")[1], made)
    assert made["verifier"].verify("x").reason == "failed"
    assert set(made["challenge"]) == {"parameters", "signature"}


def test_the_example_of_an_environment_is_a_working_one() -> None:
    text = (ROOT / "deploy" / "relay.env.example").read_text().replace("<key>", "dGhpc0lzTm9SZWFsS2V5")
    settings = dict(re.findall(rf"^#?({PREFIX}\w+)=(.+)$", text, re.MULTILINE))
    config = from_environment(settings)
    assert config.origins == ("https://www.example.com", "https://example.com")
    assert config.captcha == "turnstile"


def test_the_service_starts_the_command_with_options_that_it_has() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign] # the documented way to keep capital letters
    unit.read(ROOT / "deploy" / "stagewise-relay.service")
    assert unit["Service"]["ExecStart"].endswith("/stagewise-relay --host 127.0.0.1 --port 8010")
    assert unit["Service"]["RestartPreventExitStatus"] == "2"
    for text in (unit["Service"]["Environment"], (ROOT / "deploy" / "compose.relay.yaml").read_text()):
        for name in re.findall(rf"{PREFIX}(\w+)", text):
            assert name.lower() in HELP


def test_the_image_installs_what_is_locked_and_copies_what_is_there() -> None:
    recipe = (ROOT / "deploy" / "Dockerfile.relay").read_text()
    for source in re.findall(r"^COPY (?!--from)(\S+) ", recipe, re.MULTILINE):
        assert (ROOT / source).exists(), source
    locked = (ROOT / "requirements" / "relay.txt").read_text()
    for package in ("altcha", "httpx2", "email-validator", "granian", "click", "uvloop"):
        assert re.search(rf"^{package}==", locked, re.MULTILINE)
