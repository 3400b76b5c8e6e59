"""What the lane serves beside the endpoint: files made at build time, health, and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stagewise.core.ids import request_id
from stagewise.intake import replies
from stagewise.intake.replies import HeaderList, Replies, Send
from stagewise.locality import is_local

if TYPE_CHECKING:
    from stagewise.intake.app import Intake

_TYPES = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".json": b"application/json",
    ".png": b"image/png",
}
_POLICY = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'",
)
_TEXT: HeaderList = [(b"content-type", b"text/plain; charset=utf-8")]


class PublicFiles:
    """The files of a folder, in memory, by path: ``docs/errors/x.html`` answers ``/docs/errors/x``."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, tuple[HeaderList, bytes]] = {}
        for file in sorted(folder.rglob("*")):
            if file.suffix in _TYPES:
                path = "/" + file.relative_to(folder).as_posix().removesuffix(".html").removesuffix("/index")
                self._files[path] = ([(b"content-type", _TYPES[file.suffix]), _POLICY], file.read_bytes())

    async def answer(self, intake: Intake, scope: Mapping[str, Any], send: Send, plain: Replies) -> None:
        """Answer a request that is for no endpoint."""
        path, method, name = scope["path"], scope["method"], request_id()
        body = method != "HEAD"
        found = self._files.get(path)
        if found is None and path not in {"/healthz", "/readyz", "/metrics"}:
            await plain.plain_refusal(send, "not_found", name, body=body)
        elif method not in {"GET", "HEAD"}:
            await plain.plain_refusal(send, "method_not_allowed", name)
        elif found is not None:
            await replies.page(send, found[0], found[1], name, body=body)
        elif path == "/healthz":
            await replies.page(send, _TEXT, b"ok\n", name, body=body)
        elif path == "/readyz":
            if await intake.ledger.ready():
                await replies.page(send, _TEXT, b"ready\n", name, body=body)
            else:
                await plain.plain_refusal(send, "unavailable", name, body=body)
        elif is_local((scope.get("client") or [None])[0], (name.decode("latin-1") for name, _ in scope["headers"])):
            figures = intake.calls.metrics(intake.ledger.waiting, intake.ledger.batches)
            await replies.page(send, _TEXT, figures, name, body=body)
        else:
            await plain.plain_refusal(send, "not_found", name, body=body)
