"""Settings: from code and from the environment, checked before any visitor meets them."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest
from stagewise_client.errors import ConfigError
from stagewise_client.relay import RelayConfig
from stagewise_client.relay.config import HELP, PREFIX, from_environment

URL = "https://leads.example.com/public/v1/leads/dGhpc0lzTm9SZWFsS2V5"


def refused(**settings: Any) -> str:
    with pytest.raises(ConfigError) as refusal:
        RelayConfig(**{"url": URL, **settings})
    line = str(refusal.value)
    assert "\n" not in line
    assert URL not in line
    return line


def test_only_the_url_must_be_given() -> None:
    config = RelayConfig(url=URL)
    assert (config.captcha, config.limit, config.suspicious) == ("altcha", 10, "refuse")


def test_the_environment_says_the_same_in_text() -> None:
    config = from_environment(
        {
            "STAGEWISE_RELAY_URL": f" {URL} ",
            "STAGEWISE_RELAY_ORIGINS": "https://www.example.com, https://example.com,",
            "STAGEWISE_RELAY_DATA_DIR": "/var/lib/relay",
            "STAGEWISE_RELAY_LIMIT": "none",
            "STAGEWISE_RELAY_MIN_SECONDS": "0.5",
            "STAGEWISE_RELAY_SEND_VISITOR_IP": "off",
            "STAGEWISE_RELAY_TIMEOUT": "",
            "STAGEWISE_RELAY_PORT": "8010",
            "STAGEWISE_PUBLIC_URL": "of the server, and none of our business",
            "PATH": "/bin",
        }
    )
    assert config == RelayConfig(
        url=URL,
        origins=("https://www.example.com", "https://example.com"),
        data_dir=Path("/var/lib/relay"),
        limit=None,
        min_seconds=0.5,
        send_visitor_ip=False,
    )


def test_every_setting_is_explained() -> None:
    assert set(HELP) == set(RelayConfig.__dataclass_fields__)


def test_an_unknown_setting_names_the_nearest_one() -> None:
    with pytest.raises(ConfigError) as refusal:
        from_environment({"STAGEWISE_RELAY_URL": URL, "STAGEWISE_RELAY_ORIGIN": "https://example.com"})
    assert str(refusal.value) == (
        "STAGEWISE_RELAY_ORIGIN is no setting of the relay; did you mean STAGEWISE_RELAY_ORIGINS?"
    )


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("LIMIT", "ten", "STAGEWISE_RELAY_LIMIT is a whole number, or none, not 'ten'"),
        ("TIMEOUT", "5s", "STAGEWISE_RELAY_TIMEOUT is a number, not '5s'"),
        ("SEND_VISITOR_IP", "yes", "STAGEWISE_RELAY_SEND_VISITOR_IP is on or off, not 'yes'"),
    ],
)
def test_text_that_is_no_value_is_one_clear_line(name: str, text: str, line: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        from_environment({f"{PREFIX}URL": URL, PREFIX + name: text})
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"url": ""}, "the relay needs the endpoint's URL, which the console shows: set STAGEWISE_RELAY_URL"),
        ({"url": "https://leads.example.com/"}, "the endpoint's URL must end in /public/v1/leads/ and its key"),
        ({"origins": ("https://example.com/",)}, "an origin is written as browsers send it, like https://www.example"),
        ({"origins": ("*",)}, "an origin is written as browsers send it"),
        ({"captcha": "turnstyle"}, "unknown CAPTCHA provider 'turnstyle', did you mean 'turnstile'?"),
        ({"captcha": "turnstile"}, "the CAPTCHA provider turnstile needs its secret key"),
        (
            {"captcha": "hcaptcha", "captcha_secret": "a", "captcha_secret_file": "/b"},
            "give the CAPTCHA's secret or the",
        ),
        ({"captcha_if_down": "maybe"}, "captcha_if_down is refuse or admit, not 'maybe'"),
        ({"suspicious": "drop"}, "suspicious is refuse or send, not 'drop'"),
        ({"limit": 0}, "the limit is a number from 1 to 100,000, or none, not 0"),
        ({"min_seconds": -1}, "min_seconds is a number from 0 to 600, not -1"),
        ({"timeout": 0}, "the timeout is a number of seconds up to 60, not 0"),
        ({"success_urls": ("//evil.example",)}, "a page to go to is a URL or a path such as /thank-you, not '//evil"),
        ({"success_urls": ("/\\evil.example",)}, "a page to go to is a URL or a path such as /thank-you"),
        ({"failure_urls": ("javascript:alert(1)",)}, "a page to go to is a URL or a path such as /thank-you"),
        ({"success_urls": ("/größe",)}, "a page to go to is a URL or a path such as /thank-you"),
        ({"failure_urls": ("/a\r\nSet-Cookie: b",)}, "a page to go to is a URL or a path such as /thank-you"),
        ({"trusted_proxies": ("everybody",)}, "a trusted proxy is an address, a block such as 10.0.0.0/8, or unix"),
    ],
)
def test_what_could_never_work_is_one_clear_line(settings: dict[str, Any], line: str) -> None:
    assert refused(**settings).startswith(line)


def test_the_relay_makes_a_key_once_and_keeps_it_for_itself(tmp_path: Path) -> None:
    config = RelayConfig(url=URL, data_dir=tmp_path / "a" / "relay")
    key = config.key()
    assert len(key) >= 32
    assert config.key() == config.secret() == key
    assert [path.name for path in config.data_dir.iterdir()] == ["relay-key"]
    assert stat.S_IMODE((config.data_dir / "relay-key").stat().st_mode) == 0o600
    assert stat.S_IMODE(config.data_dir.stat().st_mode) == 0o700


def test_a_secret_can_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("0x4AAA\n")
    config = RelayConfig(url=URL, captcha="turnstile", captcha_secret_file=str(tmp_path / "secret"))
    assert config.secret() == "0x4AAA"
    missing = RelayConfig(url=URL, captcha="turnstile", captcha_secret_file=str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match=r"the CAPTCHA's secret cannot be read"):
        missing.verifier()


def test_a_directory_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match=r"the relay's directory .* cannot be used"):
        RelayConfig(url=URL, data_dir=tmp_path / "file" / "relay").key()


def test_nobody_reads_secrets_in_a_representation() -> None:
    shown = repr(RelayConfig(url=URL, captcha="turnstile", captcha_secret="0x4AAA"))
    assert "leads.example.com" not in shown
    assert "0x4AAA" not in shown
