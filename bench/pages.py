"""How long each page of the console takes at the server, with many leads, and how many queries it makes.

    python -m bench.pages [--engine sqlite|postgres] [--leads 1000000] [--rounds 5]

One installation is filled by ``stagewise dev fill``, an owner logs in, and each page is asked for in this process, as
the console's process would answer it: from the request to the last byte, queries included, without the network.
Printed is the median of the rounds after one that warms up. Exits with 1 if a page did not answer 200.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

import msgspec

from bench import machine
from tests.support import installation as installations
from tests.support.installation import Installation

ENGINES: Final = ("sqlite", "postgres")
LEADS: Final = 1_000_000
ROUNDS: Final = 5
_OWNER: Final = "bench@example.com"
_HOST: Final = "127.0.0.1:8001"


class Timed(msgspec.Struct, frozen=True):
    """One page: milliseconds at the server, queries, bytes."""

    engine: str
    page: str
    ms: float
    queries: int
    size: int
    status: int

    @property
    def problem(self) -> str:
        """What is wrong with it."""
        return "" if self.status == 200 else f"answered {self.status}"


def paths() -> dict[str, str]:
    """The pages by what they are, with the ids that this installation has. Django is set up."""
    from django.urls import reverse

    from stagewise.endpoints.models import Endpoint
    from stagewise.leads.models import Lead, LeadType

    endpoint = Endpoint.objects.order_by("id")[0]
    slug = endpoint.workspace.slug
    newest = Lead.objects.order_by("-id")[0]
    middle = Lead.objects.filter(id__lte=newest.pk // 2).order_by("-id")[0]
    last_type = LeadType.objects.order_by("-position")[0]
    last_stage = last_type.stages.order_by("-position")[0]

    def page(name: str, query: str = "", **arguments: Any) -> str:
        return reverse(name, kwargs={"slug": slug, **arguments}) + (f"?{query}" if query else "")

    return {
        "Overview": page("overview"),
        "Leads": page("leads"),
        "Leads of a type": page("leads", f"type={last_type.pk}"),
        "Leads in a stage": page("leads", f"stage={last_stage.pk}"),
        "Leads, a common word": page("leads", "q=anna"),
        "Leads, a rare word": page("leads", f"q={newest.email.partition('@')[0]}"),
        "Leads, an e-mail address": page("leads", f"q={middle.email}"),
        "Leads, a piece of a number": page("leads", f"q={middle.phone[-6:]}"),
        "Leads, two letters": page("leads", "q=zq"),
        "Leads by name": page("leads", "sort=name"),
        "A lead": page("lead", public_id=middle.public_id),
        "Board": page("board"),
        "Lead types": page("lead_types"),
        "Stagewise API": page("endpoint", pk=endpoint.pk),
        "Logs": page("logs"),
        "Logs, refused": page("logs", "outcome=refused"),
        "Logs, an address": page("logs", "address=203.0.113.250"),
        "Monitoring": page("monitoring"),
        "Alerts": page("alerts"),
        "Channels": page("channels"),
        "Held leads": page("held"),
        "Team": page("team"),
        "API tokens": page("tokens"),
        "Audit": page("audit"),
        "Workspace": page("workspace"),
        "Help": page("help"),
    }


def measure(engine: str, leads: int, rounds: int, folder: Path) -> list[Timed]:
    """Fill an installation and time its pages, in a process of its own: Django is set up for one database."""
    made = installations.make(folder / f"pages-{engine}", engine)
    try:
        _fill(made, leads)
        command = [sys.executable, "-m", "bench.pages", "--inside", engine, "--rounds", str(rounds)]
        environment = made.environment(console_url=f"http://{_HOST}") | {
            "DJANGO_SETTINGS_MODULE": "stagewise.site.settings"
        }
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
        return msgspec.json.decode(done.stdout, type=list[Timed])
    finally:
        installations.remove(made)


def _fill(made: Installation, leads: int) -> None:
    command = [sys.executable, "-m", "stagewise"]
    subprocess.run([*command, "dev", "fill", str(leads), "--yes"], env=made.environment(), check=True)
    made.stagewise("user", "add", _OWNER, "--role", "owner", "--password-stdin", stdin="correct horse battery staple")


def _inside(engine: str, rounds: int) -> list[Timed]:
    """The pages of the installation that the environment names."""
    from django.test import Client

    import stagewise.site.wsgi  # noqa: F401 - sets up Django as the console does
    from stagewise.accounts.models import User

    browser = Client(headers={"host": _HOST})
    browser.force_login(User.objects.get(email=_OWNER))
    return [_time(engine, name, path, rounds, browser.get) for name, path in paths().items()]


def _time(engine: str, name: str, path: str, rounds: int, get: Callable[[str], Any]) -> Timed:
    times = []
    queries = status = size = 0
    for number in range(rounds + 1):
        with _counted() as count:
            began = time.perf_counter()
            answer = get(path)
            body = b"".join(answer) if answer.streaming else answer.content
            took = time.perf_counter() - began
        if number or not rounds:  # the first one warms up
            times.append(took)
        queries, status, size = count[0], answer.status_code, len(body)
    return Timed(engine, name, median(times) * 1_000, queries, size, status)


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
    lines = [f"{'':30}" + "".join(f"{engine + ' ms':>14}{'queries':>9}" for engine in engines) + f"{'kB':>8}"]
    for page in dict.fromkeys(each.page for each in found):
        there = {each.engine: each for each in found if each.page == page}
        cells = "".join(f"{there[engine].ms:14.0f}{there[engine].queries:9}" for engine in engines)
        lines.append(f"{page:30}{cells}{max(each.size for each in there.values()) / 1_000:8.0f}")
    return "\n".join(lines)


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
        found = [
            each
            for engine in options.engine or ENGINES
            for each in measure(engine, options.leads, options.rounds, folder)
        ]
    print(f"{options.leads:,} leads, medians of {options.rounds}\n{table(found)}")
    wrong = [each for each in found if each.problem]
    for each in wrong:
        print(f"WRONG: {each.page} on {each.engine} {each.problem}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    sys.exit(main())
