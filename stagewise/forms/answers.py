"""Sending pages and files: the headers that go with them."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from stagewise.intake.replies import ALWAYS, HeaderList, Send

#: What visitors' browsers load from us beside the pages: path → type.
_ASSETS = {"/form.js": b"text/javascript; charset=utf-8", "/form.css": b"text/css; charset=utf-8"}
#: Kept for an hour and asked for again after that; usable from any page, with or without ``crossorigin``.
_ASSET_HEADERS: HeaderList = [
    (b"cache-control", b"public, max-age=3600"),
    (b"access-control-allow-origin", b"*"),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"x-content-type-options", b"nosniff"),
]
#: Browsers name no origin when a page with ``no-referrer`` posts (Fetch standard, section 3.2), and ours must be known.
_PAGE_HEADERS: HeaderList = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"referrer-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    *ALWAYS,
]


#: A host with or without a port, and nothing that would mean something in a Content-Security-Policy.
_HOST = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?", re.ASCII)


class Asset(msgspec.Struct, frozen=True):
    """A file as it is sent."""

    content: bytes
    headers: HeaderList
    tag: bytes


def load_assets(folder: Path) -> dict[str, Asset]:
    """The files of the built folder that are there, by path."""
    found = {}
    for path, kind in _ASSETS.items():
        file = folder / path[1:]
        if file.exists():
            content = file.read_bytes()
            tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode()
            found[path] = Asset(content, [(b"content-type", kind), (b"etag", tag), *_ASSET_HEADERS], tag)
    return found


async def send_asset(send: Send, asset: Asset, known: bytes, request_id: str, *, body: bool) -> None:
    """Send a file, or 304 to whoever has it (``known`` is ``If-None-Match``; RFC 9110, section 13.1.2)."""
    headers = [*asset.headers, (b"x-request-id", request_id.encode())]
    if asset.tag in known or known == b"*":
        await send_bytes(send, 304, headers, b"", body=False)
    else:
        await send_bytes(send, 200, headers, asset.content, body=body)


async def send_page(
    send: Send, status: int, text: str, request_id: str, *, next_url: str = "", retry_after: int | None = None
) -> None:
    """Send a page. Chromium applies ``form-action`` to the redirect after a post too, so ``next_url`` must be in it."""
    headers = [*_PAGE_HEADERS, (b"content-security-policy", _policy(next_url)), (b"x-request-id", request_id.encode())]
    if retry_after is not None:
        headers.append((b"retry-after", b"%d" % retry_after))
    await send_bytes(send, status, headers, text.encode())


async def send_see_other(send: Send, location: str, request_id: str) -> None:
    """Send the browser on to another page (303; RFC 9110, section 15.4.4)."""
    headers = [*ALWAYS, (b"location", location.encode()), (b"x-request-id", request_id.encode())]
    await send_bytes(send, 303, headers, b"")


async def send_bytes(send: Send, status: int, headers: HeaderList, content: bytes, *, body: bool = True) -> None:
    """Send an answer as it is."""
    if status != 304:
        headers = [*headers, (b"content-length", b"%d" % len(content))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content if body else b""})


def usable_url(url: str) -> str:
    """The URL if browsers can be sent there: http or https, ASCII, nothing that could end a header; else empty."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = url.isascii() and url.isprintable() and not set(url) & set(' "<>\\')
    return url if plain and parts.scheme in {"http", "https"} and _HOST.fullmatch(parts.netloc) else ""


def _policy(next_url: str) -> bytes:
    parts = urlsplit(next_url)
    after = f" {parts.scheme}://{parts.netloc}" if next_url else ""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"form-action 'self'{after}; frame-ancestors 'none'; base-uri 'none'"
    ).encode()
