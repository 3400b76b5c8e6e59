"""Records what a process asks of disk and network with ``strace``, call by call, in the order in which it happened.

Kept are the calls that change what lies below one folder, those that sync it, and what is sent over TCP. A call that
begins in one thread while another's is under way is two moments, its beginning and its end.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

#: What is understood, and what would change a file behind our back and is therefore refused.
KNOWN = ("openat", "pwrite64", "ftruncate", "fsync", "fdatasync", "unlink", "unlinkat", "write", "writev", "sendto")
_REFUSED = ("mmap", "pwritev", "pwritev2", "fallocate", "copy_file_range", "sendfile", "splice", "sync_file_range",
            "rename", "renameat", "renameat2", "link", "linkat", "truncate", "sendmsg", "io_uring_setup")  # fmt: skip
SYNCS = {"fsync", "fdatasync"}

_LINE = re.compile(r"(?P<thread>\d+) +(?:(?P<name>\w+)\((?P<args>.*)|<\.\.\. (?P<resumed>\w+) resumed>(?P<rest>.*))")
_RESULT = re.compile(r"\) += (-?\d+|\?)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_FILE = re.compile(r"^(?:\d+|AT_FDCWD)<((?:\\x[0-9a-f]{2})+)>")
_TCP = re.compile(r"^\d+<(?:TCP|TCPv6|socket):")


class Call(msgspec.Struct, eq=False):
    """One call: ``path`` is empty for TCP. ``offset`` is that of a write, or the length that a truncate leaves."""

    name: str
    path: str = ""
    data: bytes = b""
    offset: int = 0
    #: What it returned, from its end on; negative when it failed.
    result: int | None = None


class Moment(msgspec.Struct, frozen=True):
    """A call begins, or ends."""

    call: Call
    ended: bool


def missing() -> str | None:
    """Why nothing can be recorded here; None: it can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(
        ["strace", "-D", "-f", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False
    )
    return f"strace may not trace here: {tried.stderr.strip()}" if tried.returncode or tried.stderr else None


def recorder(file: Path, fault: str = "") -> list[str]:
    """What to put before a command so that its calls are written to the file. The process keeps the command's pid.

    ``fault`` in strace's words: ``fsync:error=EIO:when=5`` lets the fifth sync of each thread fail.
    """
    names = ",".join((*KNOWN, *_REFUSED))
    # All strings in hex, and whole; the filter in the kernel makes every other call as fast as ever.
    how = ["-D", "-f", "--seccomp-bpf", "-q", "-yy", "-xx", "-s", "10000000", "-e", "signal=none"]
    if fault:
        how += ["-e", f"inject={fault}"]
    return ["strace", *how, "-e", f"trace={names}", "-o", str(file), "--"]


def wait_for_end(file: Path, pid: int, timeout: float = 10) -> None:
    """Wait until the end of that process has been written: strace writes on for a moment after it."""
    deadline = time.monotonic() + timeout
    while f"\n{pid:<5} +++ " not in _tail(file):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{file} has no end of {pid}")
        time.sleep(0.02)


def _tail(file: Path) -> str:
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 2_000))
        return stream.read().decode("latin-1")


def read(file: Path, folder: Path) -> list[Moment]:
    """The moments of a recording that concern the folder or TCP, in order.

    Raises ``ValueError`` for a call that changes a file of the folder in a way that is not understood.
    """
    return list(_moments(file, folder))


def _moments(file: Path, folder: Path) -> Iterator[Moment]:
    under_way: dict[str, Call | None] = {}
    with file.open(encoding="latin-1") as lines:
        for line in lines:
            found = _LINE.match(line)
            if found is None:
                continue
            if found["resumed"]:
                call, outcome = under_way.pop(found["thread"], None), found["rest"]
            else:
                call, outcome = _call(found["name"], found["args"], folder), found["args"]
                if call is not None:
                    yield Moment(call, ended=False)
                if "<unfinished ...>" in outcome[-20:]:
                    under_way[found["thread"]] = call
                    continue
            if call is not None:
                result = _RESULT.findall(outcome[-4_000:])
                call.result = int(result[-1]) if result and result[-1] != "?" else -1
                yield Moment(call, ended=True)


def _call(name: str, args: str, folder: Path) -> Call | None:
    """The call, unless it is none of ours."""
    texts = [_decoded(text) for text, _ in _TEXT.findall(args)]
    if name in {"write", "writev", "sendto"} and _TCP.match(args):
        return Call(name, data=b"".join(texts))
    target = _FILE.match(args)
    path = _decoded(target[1]).decode() if target else ""
    if name in {"openat", "unlink", "unlinkat"} and texts:
        path = str(Path(path, texts[0].decode()))
    if not Path(path).is_relative_to(folder) or path.endswith("-shm") or _changes_nothing(name, args):
        return None  # the -shm file is an index in memory: the first to open the database makes it anew
    if name in _REFUSED or name in {"write", "writev"}:
        raise ValueError(f"{name} on {path} is not understood: {args[-200:]}")
    if any(cut for _, cut in _TEXT.findall(args)):
        raise ValueError(f"{name} on {path} was not recorded whole")
    call = Call(name, path)
    if name == "pwrite64":
        call.data, call.offset = texts[0], int(_numbers(args)[-1])
    elif name == "ftruncate":
        call.offset = int(_numbers(args)[-1])
    return call


def _changes_nothing(name: str, args: str) -> bool:
    return (name == "openat" and "O_CREAT" not in args) or (
        name == "mmap" and not ("MAP_SHARED" in args and "PROT_WRITE" in args)
    )


def _decoded(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


def _numbers(args: str) -> list[str]:
    """The plain numbers among the arguments."""
    return re.findall(r", (\d+)(?= *(?:\)| <unf|,))", args)
