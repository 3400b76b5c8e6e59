"""The theme as a cookie keeps it: for pages that know nobody, such as the one to log in, and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stagewise.accounts.look import THEMES

if TYPE_CHECKING:
    from django.http import HttpRequest

COOKIE: Final = "theme"


def kept(request: HttpRequest) -> str:
    """The theme that somebody chose in this browser; empty: as the system is."""
    theme = request.COOKIES.get(COOKIE, "")
    return theme if theme in THEMES else ""
