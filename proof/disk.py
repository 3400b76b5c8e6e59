"""What a disk may hold after the power fails, given what was asked of it until then.

The model is the one that POSIX leaves to a file system, and harder than most are: only a completed sync makes anything
durable, and only of that file; a name is durable once its directory is synced. Of what is not yet durable anything may
be there: each sector for itself, in any of the states that it has been in. Changes of names come in their order.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import PurePath

from proof.trace import SYNCS, Call, Moment

#: Smallest piece that a disk writes whole, and the piece in which the kernel hands it on, in bytes.
SECTOR, PAGE = 512, 4096

#: How much of what a failed sync should have made durable is there all the same.
_ODDS_AFTER_A_FAILED_SYNC = 0.3

#: Whether a piece that is not durable is there all the same.
Choice = Callable[[], bool]


class File:
    """The content of one file: what is durable, and the changes since, in order. No write of a recording has failed."""

    def __init__(self, durable: bytes = b"") -> None:
        self.durable = bytearray(durable)
        #: As processes see it.
        self.seen = bytearray(durable)
        self.waiting: list[Call] = []
        #: Those of the waiting changes that have returned.
        self.written: list[Call] = []

    def sync(self, covered: list[Call]) -> None:
        """Make these changes durable."""
        for call in covered:
            _apply(self.durable, call, PAGE, lambda: True)
        self._forget(covered)

    def fail(self, covered: list[Call], keep: Choice) -> None:
        """After a sync that failed: what got there got there, and the kernel forgets the rest; no later sync brings it.

        So does Linux: https://wiki.postgresql.org/wiki/Fsync_Errors
        """
        for call in covered:
            _apply(self.durable, call, SECTOR, keep)
        self._forget(covered)

    def write(self, call: Call) -> None:
        """Remember a change, which is seen at once, and durable sometime."""
        self.waiting.append(call)
        _apply(self.seen, call, PAGE, lambda: True)

    def _forget(self, covered: list[Call]) -> None:
        self.waiting = [call for call in self.waiting if call not in covered]
        self.written = [call for call in self.written if call not in covered]

    def content(self, piece: int, keep: Choice) -> bytes:
        """What may be on the disk: of the waiting changes, the pieces that ``keep`` says yes to."""
        content = bytearray(self.durable)
        for call in self.waiting:
            _apply(content, call, piece, keep)
        return bytes(content)


def _apply(content: bytearray, call: Call, piece: int, keep: Choice) -> None:
    if call.name == "ftruncate":
        if keep():
            del content[call.offset :]
            content.extend(bytes(call.offset - len(content)))
        return
    begin = call.offset
    while begin < call.offset + len(call.data):
        end = min(call.offset + len(call.data), (begin // piece + 1) * piece)
        if keep():
            content.extend(bytes(max(0, end - len(content))))
            content[begin:end] = call.data[begin - call.offset : end - call.offset]
        begin = end


class Disk:
    """The files of one folder, by name, and what a power failure would leave of them."""

    def __init__(self, folder: PurePath, files: Mapping[str, bytes]) -> None:
        self._folder = str(folder)
        self._chance = random.Random(1)
        self._durable_names = {name: File(content) for name, content in files.items()}
        self._names = dict(self._durable_names)
        #: (name, its file from now on, or None: it is gone), in order.
        self._waiting_names: list[tuple[str, File | None]] = []
        #: What each sync that is under way will have made durable.
        self._syncing: dict[int, tuple[File, list[Call]] | int] = {}
        #: Changes with every change of what is durable.
        self.synced = 0

    def see(self, moment: Moment) -> bool:
        """Take a moment into account; whether it changed what a power failure would leave."""
        call = moment.call
        if not call.path:
            return False
        if call.path == self._folder:
            return call.name in SYNCS and self._sync_names(moment)
        name = PurePath(call.path).name
        if call.name in {"openat", "unlink", "unlinkat"}:
            return moment.ended and self._change_name(name, call)
        if call.name in SYNCS:
            return self._sync(self._names[name], moment)
        return self._write(self._names[name], moment)

    def _change_name(self, name: str, call: Call) -> bool:
        made = call.name == "openat"
        if (call.result or 0) < 0 or made == (name in self._names):
            return False
        if made:
            self._names[name] = File()
        else:
            del self._names[name]
        self._waiting_names.append((name, self._names.get(name)))
        return True

    def _write(self, file: File, moment: Moment) -> bool:
        """From its beginning on, some of a write may be on the disk."""
        if moment.ended:
            file.written.append(moment.call)
        else:
            file.write(moment.call)
        return not moment.ended

    def _sync(self, file: File, moment: Moment) -> bool:
        """A sync covers what was written before it began, and counts once it has ended well."""
        if not moment.ended:
            self._syncing[id(moment.call)] = file, list(file.written)
            return False
        covered = self._syncing.pop(id(moment.call))
        assert isinstance(covered, tuple)
        file, calls = covered
        if moment.call.result == 0:
            file.sync(calls)
        else:
            file.fail(calls, lambda: self._chance.random() < _ODDS_AFTER_A_FAILED_SYNC)
        self.synced += 1
        return True

    def _sync_names(self, moment: Moment) -> bool:
        if not moment.ended:
            self._syncing[id(moment.call)] = len(self._waiting_names)
            return False
        covered = self._syncing.pop(id(moment.call))
        assert isinstance(covered, int)
        if moment.call.result == 0:
            for name, file in self._waiting_names[:covered]:
                _rename(self._durable_names, name, file)
            del self._waiting_names[:covered]
            self.synced += 1
        return True

    def after_power_loss(self, piece: int, keep: Choice) -> dict[str, bytes]:
        """The files, by name, that may be found: of what is not durable, what ``keep`` says yes to."""
        names = dict(self._durable_names)
        for name, file in self._waiting_names:
            if not keep():
                break
            _rename(names, name, file)
        return {name: file.content(piece, keep) for name, file in names.items()}

    def seen(self) -> dict[str, bytes]:
        """The files, by name, as processes see them while the power is on."""
        return {name: bytes(file.seen) for name, file in self._names.items()}


def _rename(names: dict[str, File], name: str, file: File | None) -> None:
    if file is None:
        names.pop(name, None)
    else:
        names[name] = file
