"""How long each page of the console takes at the server, with many leads, and what it weighs.

    python -m bench.pages [--engine sqlite|postgres] [--leads 1000000] [--rounds 20]

One installation is filled by ``stagewise dev fill``, its owner logs in, and each page is asked for in this process, as
the console's process would answer it: from the request to the last byte, queries included, without the network.
Printed are how many queries it makes, the median and the 95th percentile of the rounds after one that warms up, and
its weight: the page, its scripts and its styles as compressed as a server sends them. Exits with 1 if a page did not
answer 200, or is over :data:`BUDGET_MS` or :data:`BUDGET_KB`.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bench import machine
from tests.support import installation as installations
from tests.support.installation import Installation

if TYPE_CHECKING:
    from django.test import Client

    from bench.page_list import Asked
    from stagewise.accounts.models import Member

ENGINES: Final = ("sqlite", "postgres")
LEADS: Final = 1_000_000
ROUNDS: Final = 20
#: What a page may take at the server (the median), and may weigh, compressed.
BUDGET_MS: Final = 100
BUDGET_KB: Final = 150
_OWNER: Final = "bench@example.com"
#: Who the leads are given to.
_TEAM: Final = {_OWNER: "owner", "anna@example.com": "agent", "ben@example.com": "agent"}
_HOST: Final = "127.0.0.1:8001"
_FILE: Final = re.compile(r'(?:src|href)="(/static/[^"]*\.(?:css|js))"')

Get = Callable[..., Any]


class Timed(msgspec.Struct, frozen=True):
    """One page: queries, milliseconds at the server, compressed bytes, status."""

    engine: str
    page: str
    queries: int
    ms: float
    p95: float
    size: int
    status: int

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        problems = [
            f"answered {self.status}" if self.status != 200 else "",
            f"took {self.ms:.0f} ms" if self.ms > BUDGET_MS else "",
            f"weighs {self.size / 1_000:.0f} kB" if self.size > BUDGET_KB * 1_000 else "",
        ]
        return ", ".join(filter(None, problems))


def measure(engine: str, leads: int, rounds: int, folder: Path) -> list[Timed]:
    """Fill an installation and time its pages."""
    made = installations.make(folder / f"pages-{engine}", engine)
    try:
        fill(made, leads)
        return time_pages(made, engine, rounds)
    finally:
        installations.remove(made)


def time_pages(made: Installation, engine: str, rounds: int) -> list[Timed]:
    """Time the pages of a filled installation, in a process of its own: Django is set up for one database."""
    command = [sys.executable, "-m", "bench.pages", "--inside", engine, "--rounds", str(rounds)]
    environment = made.environment(console_url=f"http://{_HOST}") | {
        "DJANGO_SETTINGS_MODULE": "stagewise.site.settings"
    }
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=list[Timed])


def fill(made: Installation, leads: int) -> None:
    """Add a team, and leads that it has worked on."""
    for email, role in _TEAM.items():
        password = "correct horse battery staple"
        made.stagewise("user", "add", email, "--role", role, "--password-stdin", stdin=password)
    command = [sys.executable, "-m", "stagewise", "dev", "fill", str(leads), "--yes"]
    subprocess.run(command, env=made.environment(), stdout=subprocess.DEVNULL, check=True)


def _inside(engine: str, rounds: int) -> list[Timed]:
    """The pages of the installation that the environment names."""
    owner, browser = owner_and_browser()
    from django.test import Client

    from bench.page_list import pages

    program = Client(headers={"host": _HOST})
    weigh = functools.cache(functools.partial(_weigh, browser.get))
    return [_time(engine, each, rounds, program.get if each.token else browser.get, weigh) for each in pages(owner)]


def owner_and_browser() -> tuple[Member, Client]:
    """The owner, and a browser that is logged in; sets up Django as the console does."""
    from django.test import Client

    import stagewise.site.wsgi  # noqa: F401 - before any model
    from stagewise.accounts.models import Member

    owner = Member.objects.select_related("user", "workspace").get(user__email=_OWNER)
    browser = Client(headers={"host": _HOST})
    browser.force_login(owner.user)
    return owner, browser


def _time(engine: str, asked: Asked, rounds: int, get: Get, weigh: Callable[[str], int]) -> Timed:
    headers = {"authorization": f"Bearer {asked.token}"} if asked.token else {}
    times: list[float] = []
    queries = status = 0
    body = b""
    for _ in range(rounds + 1):
        with _counted() as count:
            began = time.perf_counter()
            answer = get(asked.path, headers=headers)
            body = _body(answer)
            times.append((time.perf_counter() - began) * 1_000)
        queries, status = max(queries, count[0]), answer.status_code
    times = sorted(times[1:] or times)  # the first one warms up
    size = len(gzip.compress(body)) + sum(map(weigh, sorted(set(_FILE.findall(body.decode())))))
    late = times[math.ceil(len(times) * 0.95) - 1]
    return Timed(engine, asked.page, queries, median(times), late, size, status)


def _weigh(get: Get, path: str) -> int:
    """The bytes of a script or a style as a browser gets it."""
    answer = get(path, headers={"accept-encoding": "gzip"})
    body = _body(answer)
    return len(body if answer.get("Content-Encoding") else gzip.compress(body))


def _body(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else bytes(answer.content)


@contextmanager
def _counted() -> Iterator[list[int]]:
    from django.db import connection

    count = [0]

    def wrapper(execute: Callable[..., Any], *arguments: Any) -> Any:
        count[0] += 1
        return execute(*arguments)

    with connection.execute_wrapper(wrapper):
        yield count


def table(found: Sequence[Timed]) -> str:
    """The pages, one a line, the databases beside each other."""
    engines = [engine for engine in ENGINES if any(each.engine == engine for each in found)]
    lines = [
        f"{'':40}" + "".join(f"{engine:>25}" for engine in engines),
        f"{'page':40}" + f"{'queries':>9}{'median':>8}{'p95 ms':>8}" * len(engines) + f"{'kB':>7}",
    ]
    for page in dict.fromkeys(each.page for each in found):
        there = [each for engine in engines for each in found if each.page == page and each.engine == engine]
        cells = "".join(f"{each.queries:9}{each.ms:8.0f}{each.p95:8.0f}" for each in there)
        lines.append(f"{page:40}{cells}{max(each.size for each in there) / 1_000:7.0f}")
    return "\n".join(lines)


def report(leads: int, rounds: int, folder: Path, engines: Sequence[str] = ENGINES) -> list[Timed]:
    """Measure all, print the table and what is wrong."""
    found = [each for engine in engines for each in measure(engine, leads, rounds, folder)]
    print(f"The console's pages with {leads:,} leads, {rounds} rounds\n{table(found)}", flush=True)
    for each in found:
        if each.problem:
            print(f"WRONG: {each.page} on {each.engine} {each.problem}", file=sys.stderr)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=ENGINES, action="append", help="default: both")
    parser.add_argument("--leads", type=int, default=LEADS, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--inside", choices=ENGINES, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        sys.stdout.buffer.write(msgspec.json.encode(_inside(options.inside, options.rounds)))
        return 0
    with machine.run_folder() as folder:
        found = report(options.leads, options.rounds, folder, options.engine or ENGINES)
    return 1 if any(each.problem for each in found) else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
