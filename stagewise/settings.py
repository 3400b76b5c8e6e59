"""The settings of an installation: ``STAGEWISE_*`` and an optional TOML file, checked once, typed.

This module is the only reader of ``os.environ``. The file is ``stagewise.toml`` in the data directory, or the one
that ``STAGEWISE_CONFIG`` names; its keys are the names below in lower case. The environment wins over the file.

Where ``stagewise serve`` listens is recorded in ``listening.json`` in the data directory: the URLs that are not set
are those.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import secrets
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from stagewise.core import addresses

PREFIX = "STAGEWISE_"

#: name without prefix, lower case → (default as text, help in one sentence). Documented in docs/configuration.md.
KNOWN: dict[str, tuple[str, str]] = {
    "config": ("", "Path of a TOML file with settings; default: stagewise.toml in the data directory, if it exists."),
    "data_dir": ("./var", "Directory for the database, the secret key, locks and sockets."),
    "database_url": ("", "postgresql://… for several nodes; default: SQLite in the data directory."),
    "public_url": ("", "Where websites reach the endpoint, for example https://leads.example.com."),
    "console_url": ("", "Where people reach the console, for example https://console.example.com."),
    "smtp_url": ("", "smtp://user:password@host:587 (STARTTLS), smtps://… (TLS); default: mail goes to the log."),
    "mail_from": ("Stagewise <stagewise@localhost>", "Sender of mail."),
    "signup": ("invitation", "Who may make an account: invitation (those who are invited) or open (everybody)."),
    "support": ("", "Mail address or URL shown under Help and on error pages."),
    "secret_key": ("", "At least 32 random characters; default: made and kept in the data directory."),
    "secret_key_file": ("", "File that holds the secret key."),
    "trusted_proxies": ("", "Addresses or CIDR blocks, separated by commas, whose client-address header is believed."),
    "client_ip_header": ("X-Forwarded-For", "The one header that trusted proxies write the client's address in."),
    "outbound_allow": ("", "Addresses or CIDR blocks inside your network that webhooks may go to; default: none."),
    "recaptcha_url": ("", "Where reCAPTCHA's tokens are checked, where the usual address cannot be reached."),
    "hcaptcha_url": ("", "Where hCaptcha's tokens are checked, such as a service of your own with its interface."),
    "turnstile_url": ("", "Where Turnstile's tokens are checked, such as a service of your own with its interface."),
}

_CAPTCHA_URLS = {
    "recaptcha_url": ("recaptcha_v2", "recaptcha_v3"),
    "hcaptcha_url": ("hcaptcha",),
    "turnstile_url": ("turnstile",),
}

#: Why a list of addresses must not hold every address.
_ALL_TRUSTED = "would let every caller choose its own address; name your proxies' addresses"
_ALL_CALLED = "would open your whole network to webhooks; name the addresses of your receivers"

#: Where the secret key is kept when none is given.
KEPT_KEY = "secret_key"

#: Name of the file that remembers where serve listens, and what holds before its first start.
LISTENING = "listening.json"
DEFAULT_LISTENING = {"public_url": "http://127.0.0.1:8000", "console_url": "http://127.0.0.1:8001"}


class SettingsError(Exception):
    """A setting that cannot be used; the message is one line and says what to do."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Checked settings. URLs have no trailing slash; those not set are where ``stagewise serve`` listens."""

    data_dir: Path
    database_url: str | None
    public_url: str
    console_url: str
    smtp_url: str | None
    mail_from: str
    #: ``invitation`` or ``open``.
    signup: str
    support: str | None
    secret_key: str | None
    trusted_proxies: tuple[str, ...]
    client_ip_header: str
    outbound_allow: tuple[str, ...]
    #: Name of a CAPTCHA's provider → where its tokens are checked instead of the usual address.
    captcha_urls: dict[str, str]

    @property
    def uses_postgres(self) -> bool:
        """Whether the database is PostgreSQL rather than the SQLite file in the data directory."""
        return self.database_url is not None

    @property
    def sqlite_path(self) -> Path:
        """The SQLite file; meaningful when :attr:`uses_postgres` is false."""
        return self.data_dir / "stagewise.sqlite3"


def load(environ: dict[str, str] | None = None) -> Settings:
    """Read and check all settings.

    Raises :class:`SettingsError` for an unknown name (naming the nearest one) or an unusable value. Creates nothing:
    see :func:`secret_key` for the one setting that is made when absent.
    """
    values = _from_environment(dict(os.environ) if environ is None else environ)
    data_dir = Path(values.get("data_dir") or KNOWN["data_dir"][0])
    values = {**_from_file(values.get("config"), data_dir), **values}
    merged = {name: values.get(name, default) for name, (default, _help) in KNOWN.items()}
    data_dir = Path(merged["data_dir"]).expanduser().absolute()
    listening = _listening(data_dir)
    return Settings(
        data_dir=data_dir,
        database_url=_database_url(merged["database_url"]),
        public_url=_base_url("public_url", merged["public_url"]) or listening["public_url"],
        console_url=_base_url("console_url", merged["console_url"]) or listening["console_url"],
        smtp_url=_smtp_url(merged["smtp_url"]),
        mail_from=merged["mail_from"],
        signup=_signup(merged["signup"]),
        support=_support(merged["support"]),
        secret_key=_given_secret(merged["secret_key"], merged["secret_key_file"]),
        trusted_proxies=_networks("trusted_proxies", merged["trusted_proxies"], _ALL_TRUSTED),
        client_ip_header=_header_name(merged["client_ip_header"]),
        outbound_allow=_networks("outbound_allow", merged["outbound_allow"], _ALL_CALLED),
        captcha_urls={
            provider: url
            for setting, providers in _CAPTCHA_URLS.items()
            if (url := _base_url(setting, merged[setting]))
            for provider in providers
        },
    )


def environment_of_others() -> dict[str, str]:
    """The environment for somebody else's program: what we have inherited, without anything of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STAGEWISE_")}


def environment(settings: Settings) -> dict[str, str]:
    """The environment for a child process, so that it loads equal settings whatever its directory."""
    return {**os.environ, PREFIX + "DATA_DIR": str(settings.data_dir)}


def hand_on(settings: Settings) -> None:
    """Let every process that this one starts load equal settings."""
    os.environ.update(environment(settings))


def choose_django() -> None:
    """Tell Django where its settings are, in this process and its children."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "stagewise.site.settings"


def prepare_data_dir(settings: Settings) -> None:
    """Make the data directory (0700) if need be, and see that it can be written.

    Raises :class:`SettingsError` for a full disk, a read-only file system, a path that is no directory.
    """
    probe = settings.data_dir / f".probe-{os.getpid()}"
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe.write_bytes(b"\0" * 65_536)
    except OSError as error:
        raise SettingsError(_unwritable(settings.data_dir, error)) from None
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def record_listening(settings: Settings, public_url: str, console_url: str) -> None:
    """Remember where ``stagewise serve`` listens, for every process of this data directory."""
    path = settings.data_dir / LISTENING
    content = json.dumps({"public_url": public_url, "console_url": console_url}) + "\n"
    unfinished = path.with_suffix(f".{os.getpid()}")
    try:
        unfinished.write_text(content)
        unfinished.replace(path)
    except OSError as error:
        raise SettingsError(_unwritable(settings.data_dir, error)) from None


def has_secret_key(settings: Settings) -> bool:
    """Whether :func:`secret_key` would find one rather than make it."""
    return settings.secret_key is not None or (settings.data_dir / KEPT_KEY).exists()


def secret_key(settings: Settings) -> str:
    """The installation's secret key: the given one, else the one kept (0600) in the data directory, made once."""
    if settings.secret_key:
        return settings.secret_key
    path = settings.data_dir / KEPT_KEY
    try:
        if not path.exists():
            _make_secret_key(path)
        kept = path.read_text().strip()
    except OSError as error:
        raise SettingsError(f"the secret key {path} cannot be used: {error.strerror}") from None
    if len(kept) < 32:
        raise SettingsError(f"{path} holds no usable secret key; restore it from your backup")
    return kept


def _make_secret_key(path: Path) -> None:
    """Write a new key so that it appears whole or not at all, and only once if several processes start together."""
    unfinished = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
    finally:
        unfinished.unlink()


def _unwritable(path: Path, error: OSError) -> str:
    return f"the data directory {path} cannot be written: {error.strerror} (set STAGEWISE_DATA_DIR to another)"


def _listening(data_dir: Path) -> dict[str, str]:
    """The recorded URLs; what serve uses by default where nothing (or nothing readable) is recorded."""
    found: Any = None
    with contextlib.suppress(OSError, ValueError):
        found = json.loads((data_dir / LISTENING).read_text())
    kept = found if isinstance(found, dict) else {}
    return {**DEFAULT_LISTENING, **{name: str(kept[name]) for name in DEFAULT_LISTENING if name in kept}}


def _from_environment(environ: dict[str, str]) -> dict[str, str]:
    found = {}
    for name, value in environ.items():
        # The relay's settings may stand beside ours; it checks them itself.
        if name.startswith(PREFIX) and not name.startswith(PREFIX + "RELAY_"):
            found[_known(name.removeprefix(PREFIX).lower(), name)] = value.strip()
    return found


def _from_file(named: str | None, data_dir: Path) -> dict[str, str]:
    path = Path(named) if named else data_dir / "stagewise.toml"
    if not named and not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from None
    found = {}
    for name, value in content.items():
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        found[_known(name, f"{name} in {path}")] = text.strip()
    return found


def _known(name: str, shown: str) -> str:
    if name in KNOWN:
        return name
    nearest = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.0)[0]
    raise SettingsError(f"{shown} is no setting of Stagewise; did you mean {PREFIX}{nearest.upper()}?")


def _database_url(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"postgresql", "postgres"}:
        raise SettingsError(
            "STAGEWISE_DATABASE_URL must begin with postgresql:// (leave it out to use SQLite in the data directory)"
        )
    return value


def _base_url(name: str, value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise SettingsError(f"{PREFIX}{name.upper()} must be a URL such as https://leads.example.com, not {value!r}")
    return value.rstrip("/")


def _smtp_url(value: str) -> str | None:
    if not value:
        return None
    parts = urlsplit(value)
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        raise SettingsError("STAGEWISE_SMTP_URL must look like smtp://user:password@mail.example.com:587")
    return value


def _signup(value: str) -> str:
    if value not in {"invitation", "open"}:
        raise SettingsError(f"STAGEWISE_SIGNUP must be invitation or open, not {value!r}")
    return value


def _support(value: str) -> str | None:
    if value and "@" not in value and urlsplit(value).scheme not in {"http", "https"}:
        raise SettingsError(f"STAGEWISE_SUPPORT must be a mail address or a URL, not {value!r}")
    return value or None


def _given_secret(value: str, file: str) -> str | None:
    if value and file:
        raise SettingsError("set STAGEWISE_SECRET_KEY or STAGEWISE_SECRET_KEY_FILE, not both")
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise SettingsError(f"STAGEWISE_SECRET_KEY_FILE: {file}: {error.strerror}") from None
    if not value and not file:
        return None
    if len(value) < 32:
        raise SettingsError("STAGEWISE_SECRET_KEY must have at least 32 characters")
    return value


def _networks(name: str, value: str, why_not_all: str) -> tuple[str, ...]:
    """Addresses and blocks in their one spelling; ``why_not_all`` is said to a block that holds every address."""
    found = []
    for entry in filter(None, (part.strip() for part in value.split(","))):
        network = addresses.parse_network(entry)
        setting = f"{PREFIX}{name.upper()}"
        if network is None:
            raise SettingsError(f"{setting}: {entry!r} is no address or CIDR block such as 10.0.0.0/8")
        if network.prefixlen == 0:
            raise SettingsError(f"{setting}: {entry} {why_not_all}")
        found.append(str(network))
    return tuple(found)


def _header_name(value: str) -> str:
    token = value.replace("-", "").replace("_", "")
    if not value.isascii() or not token.isalnum():
        raise SettingsError(f"STAGEWISE_CLIENT_IP_HEADER must be a header name such as X-Forwarded-For, not {value!r}")
    return value
