"""How the console looks to a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _

from stagewise.accounts.errors import ActionError

if TYPE_CHECKING:
    from stagewise.accounts.models import User

#: Empty: as the person's system is.
THEMES: Final = ("", "light", "dark")


def choose_theme(user: User, theme: str) -> None:
    """Show pages to this person in light, dark, or as their system is (empty); raises :class:`ActionError`."""
    if theme not in THEMES:
        raise ActionError({"theme": [_("There is no such theme.")]})
    if user.theme != theme:
        user.theme = theme
        user.save(update_fields=["theme"])
