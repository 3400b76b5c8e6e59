"""What an action says when it cannot do what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class ActionError(Exception):
    """Bad input. ``problems`` maps a field to sentences for the person who typed; ``""`` is the whole."""

    def __init__(self, problems: Mapping[str, Sequence[str]]) -> None:
        self.problems: dict[str, list[str]] = {field: list(texts) for field, texts in problems.items()}
        super().__init__(" ".join(text for texts in self.problems.values() for text in texts))


class Conflict(ActionError):
    """Somebody else saved in the meantime; nothing was changed."""
