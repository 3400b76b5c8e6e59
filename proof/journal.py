"""What a client saw, written down as it happened: each lead that was sent, and each answer.

A journal is a file of JSON lines that only grows. It outlives the client and whatever it talked to, so that the checker
can ask afterwards: is what was answered with 201 there, and is nothing there that was never sent?
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

_ENCODE = msgspec.json.Encoder().encode


class Sent(msgspec.Struct, tag="sent", tag_field="what", frozen=True):
    """A lead went out. ``token`` is in its name, address of mail and message, so that crossed fields show."""

    token: str
    key: str | None
    name: str
    phone: str
    email: str
    message: str
    #: Milliseconds since 1970, by the client's clock.
    at: int


class Answered(msgspec.Struct, tag="answered", tag_field="what", frozen=True):
    """An answer came, or the connection broke (status 0): then nobody knows what became of the lead."""

    token: str
    status: int
    at: int
    #: The lead's id (201, 202), or the code of the problem.
    id: str | None = None
    code: str | None = None
    has_retry_after: bool = False


class Call(msgspec.Struct):
    """A lead that was sent, with all its answers: one, or several where it was sent again under its key."""

    sent: Sent
    answers: list[Answered]

    @property
    def created(self) -> list[Answered]:
        """The answers 201."""
        return [answer for answer in self.answers if answer.status == 201]

    @property
    def is_unknown(self) -> bool:
        """Whether the client never learned what became of it."""
        return all(answer.status == 0 or answer.code == "outcome_unknown" for answer in self.answers)


class Journal:
    """A journal that is being written; threads may share it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()

    def note(self, line: Sent | Answered) -> None:
        """Append a line."""
        with self._lock:
            self._file.write(_ENCODE(line) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing more will be noted."""
        self._file.close()


def read(path: Path) -> list[Call]:
    """The calls of a journal, in the order in which they were first sent. Raises ``msgspec.ValidationError``."""
    decode = msgspec.json.Decoder(Sent | Answered).decode
    return calls_of(decode(line) for line in path.read_bytes().splitlines())


def calls_of(lines: Iterable[Sent | Answered]) -> list[Call]:
    """The lines of a journal put together by token. An answer without a lead is a fault of the client."""
    calls: dict[str, Call] = {}
    for line in lines:
        if isinstance(line, Sent):
            calls.setdefault(line.token, Call(line, []))
        else:
            calls[line.token].answers.append(line)
    return list(calls.values())


def now_ms() -> int:
    """The client's clock."""
    return time.time_ns() // 1_000_000
