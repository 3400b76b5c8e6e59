"""One generation at a time: the lock on the data directory."""

from __future__ import annotations

import fcntl
import os
import time

from stagewise.settings import Settings, SettingsError

#: How long a new start waits for the end of the one before, in seconds.
PATIENCE_S = 3.0


def lock_data_dir(chosen: Settings) -> int:
    """Take the lock of this data directory and return its descriptor, to be handed to all children.

    The lock is held until the last process that has the descriptor is gone, so a generation that lost its supervisor
    still refuses the next one. Raises :class:`SettingsError` after :data:`PATIENCE_S`.
    """
    path = chosen.data_dir / "serve.lock"
    try:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"the data directory {chosen.data_dir} cannot be locked: {error.strerror}") from None
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise SettingsError(
                    f"another `stagewise serve` is running on {chosen.data_dir}: stop it, or set STAGEWISE_DATA_DIR"
                ) from None
            time.sleep(0.05)
        else:
            return lock
