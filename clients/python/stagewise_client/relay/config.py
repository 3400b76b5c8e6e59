"""The relay's settings, checked once: from code, from ``STAGEWISE_RELAY_*``, or from the command line."""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from stagewise_client import captcha as providers
from stagewise_client.errors import ConfigError
from stagewise_client.relay.visitor import VisitorReader
from stagewise_client.wire import Endpoint

PREFIX = "STAGEWISE_RELAY_"
#: Settings of the command alone: where it listens.
LISTENING = ("host", "port", "workers")
Suspicious = Literal["refuse", "send"]
IfDown = Literal["refuse", "admit"]

_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


#: The settings, in the order of the documentation, each with a sentence.
HELP: dict[str, str] = {
    "url": "The endpoint's URL, as the console shows it.",
    "origins": "Websites that may send, such as https://www.example.com; default: the host that the relay is on.",
    "data_dir": "Directory of the relay's own: its key, leads that wait, used tokens.  [default: ./relay-data]",
    "captcha": f"{', '.join(providers.NAMES)}, or none.  [default: altcha]",
    "captcha_secret": "The provider's secret key. ALTCHA needs none: the relay makes its own.",
    "captcha_secret_file": "File that holds the secret key.",
    "captcha_hostnames": "Host names that a token may come from; default: any.",
    "captcha_min_score": "Lowest score that passes, 0 to 1 (reCAPTCHA v3).  [default: 0.5]",
    "captcha_action": "Action that the widget must name (reCAPTCHA v3, Turnstile); default: any.",
    "captcha_if_down": "While the provider does not answer: refuse or admit.  [default: refuse]",
    "captcha_url": "Another address of the provider's siteverify service.",
    "limit": "Leads that one visitor may send in 24 hours, or none.  [default: 10]",
    "min_seconds": "Nobody fills the form in more quickly.  [default: 2]",
    "suspicious": "Too quick, or a trap filled in: refuse, or send for Stagewise to hold.  [default: refuse]",
    "success_urls": "Pages that follow a form without script; the first one unless the form names another.",
    "failure_urls": "Pages that follow when it could not be sent, likewise.",
    "trusted_proxies": "Addresses or CIDR blocks of proxies, or unix, whose header is believed; default: none.",
    "client_ip_header": "The one header in which they write the visitor's address.  [default: X-Forwarded-For]",
    "send_visitor_ip": "Tell the endpoint the visitor's address: on or off.  [default: on]",
    "timeout": "Seconds to wait for Stagewise; after that a lead is kept and sent later.  [default: 5]",
}


@dataclass(frozen=True)
class RelayConfig:
    """Everything that a relay is told. Raises ConfigError, in one line, for what could never work.

    Only ``url`` must be given. What each setting means is in ``HELP``, and at length in docs/relay.md of the project.
    """

    url: str = field(default="", repr=False)
    origins: tuple[str, ...] = ()
    data_dir: Path = Path("relay-data")
    captcha: str = "altcha"
    captcha_secret: str = field(default="", repr=False)
    captcha_secret_file: str = ""
    captcha_hostnames: tuple[str, ...] = ()
    captcha_min_score: float = 0.5
    captcha_action: str = ""
    captcha_if_down: IfDown = "refuse"
    captcha_url: str = ""
    limit: int | None = 10
    min_seconds: float = 2.0
    suspicious: Suspicious = "refuse"
    success_urls: tuple[str, ...] = ()
    failure_urls: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    client_ip_header: str = "X-Forwarded-For"
    send_visitor_ip: bool = True
    timeout: float = 5.0

    def __post_init__(self) -> None:
        """Check everything that can be checked without touching the disk or the network."""
        if not self.url:
            raise ConfigError("the relay needs the endpoint's URL, which the console shows: set STAGEWISE_RELAY_URL")
        Endpoint.parse(self.url)
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise ConfigError(
                    f"an origin is written as browsers send it, like https://www.example.com, not {origin!r}"
                )
        for url in (*self.success_urls, *self.failure_urls):
            if not (re.match(r"/(?![/\\])", url) or _parts(url)) or not (url.isascii() and url.isprintable()):
                raise ConfigError(f"a page to go to is a URL or a path such as /thank-you, not {url!r}")
        _choice("suspicious", self.suspicious, get_args(Suspicious))
        _choice("captcha_if_down", self.captcha_if_down, get_args(IfDown))
        if self.limit is not None and not 1 <= self.limit <= 100_000:
            raise ConfigError(f"the limit is a number from 1 to 100,000, or none, not {self.limit}")
        if not 0 <= self.min_seconds <= 600:
            raise ConfigError(f"min_seconds is a number from 0 to 600, not {self.min_seconds}")
        if not 0 < self.timeout <= 60:
            raise ConfigError(f"the timeout is a number of seconds up to 60, not {self.timeout}")
        if self.captcha_secret and self.captcha_secret_file:
            raise ConfigError("give the CAPTCHA's secret or the file that holds it, not both")
        VisitorReader(self.trusted_proxies, self.client_ip_header)
        if self.captcha != "none":
            found_later = self.captcha == "altcha" or self.captcha_secret_file
            self._verifier(self.captcha_secret or ("found later" if found_later else ""))

    def key(self) -> str:
        """The relay's own key, made and kept (0600) in its directory. Raises ConfigError when it cannot be."""
        path = self.data_dir / "relay-key"
        try:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not path.exists():
                _write_once(path, secrets.token_urlsafe(32))
            return path.read_text(encoding="ascii")
        except (OSError, ValueError) as error:
            raise ConfigError(f"the relay's directory {self.data_dir} cannot be used: {error}") from None

    def secret(self) -> str:
        """The CAPTCHA's secret: given, in a file, or for ALTCHA the relay's own key. Raises ConfigError."""
        if self.captcha_secret_file:
            try:
                return Path(self.captcha_secret_file).read_text(encoding="utf-8").strip()
            except (OSError, ValueError) as error:
                raise ConfigError(f"the CAPTCHA's secret cannot be read: {error}") from None
        return self.captcha_secret or (self.key() if self.captcha == "altcha" else "")

    def verifier(self) -> providers.Verifier | None:
        """What checks tokens; None: no CAPTCHA. Raises ConfigError."""
        return None if self.captcha == "none" else self._verifier(self.secret())

    def _verifier(self, secret: str) -> providers.Verifier:
        return providers.provider(
            self.captcha,
            secret=secret,
            hostnames=self.captcha_hostnames,
            min_score=self.captcha_min_score,
            action=self.captcha_action,
            url=self.captcha_url or None,
        )


def from_environment(environ: Mapping[str, str]) -> RelayConfig:
    """The settings in ``STAGEWISE_RELAY_*``. An empty value is the default, or for a list the empty list.

    Raises ConfigError: for an unknown name it says which setting looks most like it.
    """
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        name = variable.removeprefix(PREFIX).lower()
        if not variable.startswith(PREFIX) or name in LISTENING:
            continue
        if name not in HELP:
            nearest = difflib.get_close_matches(name, (*HELP, *LISTENING), n=1, cutoff=0.0)[0]
            raise ConfigError(f"{variable} is no setting of the relay; did you mean {PREFIX}{nearest.upper()}?")
        if text.strip():
            values[name] = _READERS.get(name, str)(text.strip())
    return RelayConfig(**values)


def _list(value: str) -> tuple[str, ...]:
    return tuple(filter(None, (part.strip() for part in value.split(","))))


def _number(name: str) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            return float(value)
        except ValueError:
            raise ConfigError(f"{PREFIX}{name.upper()} is a number, not {value!r}") from None

    return read


def _limit(value: str) -> int | None:
    if value.lower() == "none":
        return None
    if not (value.isascii() and value.isdigit()):
        raise ConfigError(f"{PREFIX}LIMIT is a whole number, or none, not {value!r}")
    return int(value)


def _switch(value: str) -> bool:
    _choice(f"{PREFIX}SEND_VISITOR_IP", value.lower(), ("on", "off"))
    return value.lower() == "on"


_READERS: Mapping[str, Callable[[str], Any]] = {
    "data_dir": Path,
    "limit": _limit,
    "send_visitor_ip": _switch,
    **{name: _number(name) for name in ("captcha_min_score", "min_seconds", "timeout")},
    **dict.fromkeys(("origins", "captcha_hostnames", "success_urls", "failure_urls", "trusted_proxies"), _list),
}


def _write_once(path: Path, content: str) -> None:
    """Write a file (0600) that appears whole, and only once if several processes start together."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}")
    unfinished.touch(mode=0o600)
    unfinished.write_text(content, encoding="ascii")
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(unfinished)
    unfinished.unlink()


def _choice(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} is {' or '.join(allowed)}, not {value!r}")


def _parts(url: str) -> Any:
    """The parts of an http(s) URL with a host; None for everything else."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
