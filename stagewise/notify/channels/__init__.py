"""Channels by kind: each folder here is one. A new kind is a copy of a folder that sends in another way.

A folder's ``channel.py`` defines one class that has what :class:`Kind` asks for. Nothing else needs to be told: the
folders are found by looking.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from stagewise.notify.models import Delivery


@dataclass(frozen=True)
class Checked:
    """What a person typed, in the form in which it is kept. ``target`` may be shown to everybody in the workspace."""

    target: str
    options: dict[str, Any]
    #: Kept sealed. What the kind made, to be shown once, or the URL or token that must not be seen again.
    secret: str | None = None


@dataclass(frozen=True)
class OpenChannel:
    """A channel as its kind sees it, with its secrets opened."""

    id: int
    name: str
    target: str
    options: dict[str, Any]
    secret: str | None = None
    #: The one that was rotated away, while it still counts.
    old_secret: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of one try. ``problem`` is empty when it was delivered, else one sentence without secrets."""

    status: int | None = None
    problem: str = ""
    #: The beginning of what the receiver said.
    answer: str = ""
    #: The receiver asked for a pause of so many seconds.
    retry_after_s: int | None = None
    #: The receiver wants nothing more: the channel is paused.
    gone: bool = False
    #: Trying again would never help.
    final: bool = False


class Kind(Protocol):
    """A kind of channel. Instances hold no state: several threads use one at once."""

    #: The folder's name, and what people read.
    name: str
    label: str
    #: Whether its secret is made by us, shown once, and can be rotated.
    needs_secret: bool

    def check(self, target: str, options: dict[str, Any], /) -> Checked:
        """What was typed, ready to be kept; raises ``ActionError`` with the problems of ``target`` and ``options``."""

    def deliver(self, channel: OpenChannel, delivery: Delivery, payload: dict[str, Any], /) -> Outcome:
        """Try once, and say what came of it. Called in a thread of its own, outside of any transaction."""


#: Those that were asked for so far: a kind is loaded when its first delivery is, with the libraries that it needs.
_known: dict[str, Kind] = {}


def names() -> list[str]:
    """The names of all kinds."""
    return sorted({folder.name for folder in pkgutil.iter_modules(__path__) if folder.ispkg} | set(_known))


def kind(name: str) -> Kind:
    """The kind of this name; raises :class:`LookupError` where there is none."""
    if name not in _known:
        if name not in names():
            raise LookupError(f"There is no kind of channel “{name}”.")
        _known[name] = _defined_in(import_module(f"{__name__}.{name}.channel"))
    return _known[name]


def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    return {name: kind(name) for name in names()}


def _defined_in(module: Any) -> Kind:
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == module.__name__ and hasattr(each, "deliver"):
            found: Kind = each()
            return found
    raise LookupError(f"{module.__name__} defines no kind of channel")
