"""Settings: read once, checked, and refused in one line that says what to do."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from stagewise import settings
from stagewise.settings import Settings, SettingsError


def load(tmp_path: Path, **values: str) -> Settings:
    named = {f"STAGEWISE_{name.upper()}": value for name, value in values.items()}
    return settings.load({"STAGEWISE_DATA_DIR": str(tmp_path), **named})


def refusal(tmp_path: Path, **values: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, **values)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_settings_everything_has_a_default(tmp_path: Path) -> None:
    found = settings.load({})
    assert found.data_dir == Path("var").absolute()
    assert not found.uses_postgres
    assert found.trusted_proxies == ()
    assert found.client_ip_header == "X-Forwarded-For"
    assert found.smtp_url is None
    assert (found.public_url, found.console_url) == ("http://127.0.0.1:8000", "http://127.0.0.1:8001")


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("STAGEWISE_PUBLIC_ULR", "STAGEWISE_PUBLIC_URL"),
        ("STAGEWISE_TRUSTED_PROXY", "STAGEWISE_TRUSTED_PROXIES"),
        ("STAGEWISE_DB_URL", "STAGEWISE_DATABASE_URL"),
        ("STAGEWISE_SECRET", "STAGEWISE_SECRET_KEY"),
    ],
)
def test_an_unknown_name_is_an_error_that_names_the_nearest(wrong: str, nearest: str) -> None:
    with pytest.raises(SettingsError, match=f"{wrong} is no setting.*{nearest}"):
        settings.load({wrong: "x"})


def test_other_programs_variables_are_none_of_our_business() -> None:
    assert settings.load({"STAGE": "x", "DJANGO_SECRET_KEY": "x"}) == settings.load({})


def test_the_file_in_the_data_directory_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "stagewise.toml").write_text(
        'public_url = "https://a.example/"\nsupport = "help@a.example"\ntrusted_proxies = ["10.0.0.1", "10.1.0.0/16"]\n'
    )
    found = load(tmp_path, public_url="https://b.example")
    assert found.public_url == "https://b.example"
    assert found.support == "help@a.example"
    assert found.trusted_proxies == ("10.0.0.1/32", "10.1.0.0/16")


def test_an_empty_variable_takes_back_what_the_file_says(tmp_path: Path) -> None:
    (tmp_path / "stagewise.toml").write_text('support = "help@a.example"\n')
    assert load(tmp_path, support="").support is None


def test_an_unknown_name_in_the_file_is_an_error_too(tmp_path: Path) -> None:
    (tmp_path / "stagewise.toml").write_text("publicurl = 'https://a.example'\n")
    assert "STAGEWISE_PUBLIC_URL" in refusal(tmp_path)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "stagewise.toml").write_text("public_url = \n")
    assert "stagewise.toml" in refusal(tmp_path)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    assert "nowhere.toml" in refusal(tmp_path, config=str(tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("database_url", "mysql://localhost/x", "postgresql://"),
        ("public_url", "leads.example.com", "https://"),
        ("public_url", "ftp://leads.example.com", "https://"),
        ("console_url", "https://a.example/?x=1", "https://"),
        ("smtp_url", "mail.example.com", "smtp://"),
        ("support", "call me", "mail address or a URL"),
        ("secret_key", "short", "32 characters"),
        ("secret_key_file", "/nowhere/key", "/nowhere/key"),
        ("trusted_proxies", "10.0.0.0/8, my-proxy", "'my-proxy'"),
        ("trusted_proxies", "0.0.0.0/0", "choose its own address"),
        ("trusted_proxies", "::/0", "choose its own address"),
        ("outbound_allow", "10.0.0.0/8, crm.example.com", "'crm.example.com' is no address"),
        ("outbound_allow", "0.0.0.0/0", "your whole network"),
        ("client_ip_header", "X-Forwarded-For: 1", "header name"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_a_way_out(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    assert says in refusal(tmp_path, **{name: value})


def test_two_secret_keys_are_one_too_many(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text("k" * 40)
    assert "not both" in refusal(tmp_path, secret_key="s" * 40, secret_key_file=str(key))
    assert load(tmp_path, secret_key_file=str(key)).secret_key == "k" * 40


def test_the_secret_key_is_made_once_and_kept_to_oneself(tmp_path: Path) -> None:
    chosen = load(tmp_path)
    assert not settings.has_secret_key(chosen)
    made = settings.secret_key(chosen)
    assert len(made) >= 48
    assert settings.secret_key(chosen) == made
    assert settings.has_secret_key(chosen)
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret_key"]


def _make_key(data_dir: str) -> str:
    return settings.secret_key(settings.load({"STAGEWISE_DATA_DIR": data_dir}))


def test_processes_that_start_together_agree_on_one_secret_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        assert len(set(pool.map(_make_key, [str(tmp_path)] * 16))) == 1


def test_a_damaged_secret_key_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").write_text("cut off")
    with pytest.raises(SettingsError, match="backup"):
        settings.secret_key(load(tmp_path))


def test_urls_that_are_not_set_are_where_serve_listened_last(tmp_path: Path) -> None:
    settings.record_listening(load(tmp_path), "http://127.0.0.1:9000", "http://127.0.0.1:9001")
    assert load(tmp_path).public_url == "http://127.0.0.1:9000"
    assert load(tmp_path).console_url == "http://127.0.0.1:9001"
    assert load(tmp_path, public_url="https://a.example").public_url == "https://a.example"


@pytest.mark.parametrize("content", ["", "[]", "{", '{"public_url": 1'])
def test_an_unreadable_record_of_where_serve_listened_is_no_reason_to_fail(tmp_path: Path, content: str) -> None:
    (tmp_path / "listening.json").write_text(content)
    assert load(tmp_path).public_url == "http://127.0.0.1:8000"


def test_a_data_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    chosen = load(tmp_path, data_dir=str(tmp_path / "file" / "data"))
    with pytest.raises(SettingsError, match=r"file/data cannot be written: Not a directory"):
        settings.prepare_data_dir(chosen)


def test_a_new_data_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    chosen = load(tmp_path, data_dir=str(tmp_path / "a" / "b"))
    settings.prepare_data_dir(chosen)
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_child_process_loads_equal_settings_whatever_its_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STAGEWISE_DATA_DIR", "here")
    monkeypatch.setenv("STAGEWISE_SUPPORT", "help@a.example")
    chosen = settings.load()
    handed_on = settings.environment(chosen)
    monkeypatch.chdir("/")
    assert settings.load(handed_on) == chosen


def test_the_relays_settings_may_stand_beside_ours(tmp_path: Path) -> None:
    found = settings.load({"STAGEWISE_DATA_DIR": str(tmp_path), "STAGEWISE_RELAY_ENDPOINT": "https://x.example"})
    assert found.data_dir == tmp_path


def test_a_captcha_can_be_checked_elsewhere(tmp_path: Path) -> None:
    elsewhere = "https://www.recaptcha.example/api/siteverify"
    found = settings.load({"STAGEWISE_DATA_DIR": str(tmp_path), "STAGEWISE_RECAPTCHA_URL": elsewhere})
    assert found.captcha_urls == {"recaptcha_v2": elsewhere, "recaptcha_v3": elsewhere}
