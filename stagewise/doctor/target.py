"""What is examined: the URL, and what the person in front of the doctor knows about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_ORIGIN = re.compile(r"https?://[a-z0-9.\-\[\]:]+", re.IGNORECASE)
#: The path of an endpoint, with its key.
_ENDPOINT = re.compile(r"(.*/public/v1/leads/)[^/]+")


class WrongUse(Exception):
    """What was asked makes no sense; the message is one line that says why."""


@dataclass(frozen=True)
class Target:
    """A URL to examine; raises :class:`WrongUse` for one that cannot be examined.

    ``origins`` are the websites whose pages are to be allowed to call. ``ca_file`` holds certificates (PEM) of
    authorities to trust beside none: for installations with an authority of their own. ``plain_port`` is where plain
    HTTP would be answered beside HTTPS. ``timeout`` is in seconds, for each step of a request.
    """

    url: str
    origins: tuple[str, ...] = ()
    expect_refused: bool = False
    ca_file: str | None = None
    timeout: float = 15.0
    plain_port: int | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise WrongUse(f"{self.url!r} is not a URL: {error}") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise WrongUse(f"the URL must begin with https:// or http:// and name a host, not {self.url!r}")
        if parts.username is not None or parts.fragment:
            raise WrongUse("the URL must hold no password and no #fragment")
        for origin in self.origins:
            if not _ORIGIN.fullmatch(origin):
                raise WrongUse(f"an origin is scheme and host such as https://www.yoursite.com, not {origin!r}")
        if self.plain_port is None and parts.scheme == "https" and port in {None, 443}:
            object.__setattr__(self, "plain_port", 80)

    @property
    def host(self) -> str:
        """The host as named in the URL, without brackets."""
        return str(urlsplit(self.url).hostname)

    @property
    def port(self) -> int:
        """The port, also where the URL leaves it to the scheme."""
        return urlsplit(self.url).port or (443 if self.is_https else 80)

    @property
    def is_https(self) -> bool:
        """Whether the way there is encrypted."""
        return urlsplit(self.url).scheme == "https"

    @property
    def base(self) -> str:
        """Scheme, host and port: where the server is."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def key(self) -> str:
        """The endpoint's key, where the URL looks like an endpoint's; else empty."""
        path = urlsplit(self.url).path
        return path.rpartition("/")[2] if _ENDPOINT.fullmatch(path) else ""

    @property
    def shown(self) -> str:
        """The URL without the key, for reports."""
        return self.url.replace(self.key, "…") if self.key else self.url
