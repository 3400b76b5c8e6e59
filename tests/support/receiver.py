"""A receiver of webhooks, a process of its own on loopback: it counts every delivery by its ``webhook-id``.

Started with ``python -m tests.support.receiver PORT FILE``. It answers 204 and appends one line per delivery to the
file: the id, and the time in seconds. So what it got outlives whatever is killed around it.
"""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tests.support.postgres import free_port
from tests.support.shared import ROOT

_ANSWER = b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"


class Receiver:
    """A receiver that runs; ``url`` is where it listens."""

    def __init__(self, port: int, file: Path) -> None:
        self.url = f"http://127.0.0.1:{port}/hook"
        self.file = file

    def got(self) -> Counter[str]:
        """How often each id came."""
        return Counter(line.split()[0] for line in self._lines())

    def count(self) -> int:
        """How many deliveries came, doubles too."""
        return len(self._lines())

    def times(self) -> list[float]:
        """When each delivery came, in seconds of this machine's clock."""
        return [float(line.split()[1]) for line in self._lines()]

    def _lines(self) -> list[str]:
        lines = self.file.read_text().split("\n") if self.file.exists() else []
        return lines[:-1]  # what follows the last line end is not whole yet


@contextmanager
def receiving(file: Path) -> Iterator[Receiver]:
    """Run a receiver until the end of the block."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.support.receiver", str(port), str(file)], cwd=ROOT)
    try:
        _wait_for(port)
        yield Receiver(port, file)
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(port: int) -> None:
    import socket

    end = time.monotonic() + 15
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise AssertionError("the receiver did not start")


async def _serve(port: int, file: BinaryIO) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                await reader.readexactly(int(headers.get("content-length", "0")))
                file.write(f"{headers['webhook-id']} {time.time():.6f}\n".encode())
                file.flush()
                writer.write(_ANSWER)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with Path(sys.argv[2]).open("ab") as opened, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(int(sys.argv[1]), opened))
