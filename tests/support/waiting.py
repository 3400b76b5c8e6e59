"""Waiting for what comes, without a word about when."""

from __future__ import annotations

import time
from collections.abc import Callable


def eventually(condition: Callable[[], object], within: float = 30) -> None:
    """Wait until the condition holds; fail after so many seconds, which are many: the machine may be busy."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)
