"""What becomes of leads when far more come than can be taken: goodput beside the peak, refusals, memory, and every row.

    python -m bench.overload [--engine sqlite|postgres] [--seconds 20] [--times 3]

First the peak: 256 connections, as in ``make bench``. Then so many connections that their calls are ``--times`` what
may wait in the lane: each sends its next call as soon as the last is answered, so the more are refused, the more come.
Excess must be refused with 503 and ``Retry-After`` while the lane goes on at nearly its peak, in bounded memory, and
every lead that was answered with 201 must be stored. There may be more: connections that the load tool gives up at its
end have sent theirs. Exits with 1 if it is otherwise.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bench import machine, pages
from bench.profile import worker_of
from bench.tools import choose
from stagewise.store.lane import QUEUE
from tests.support import installation as installations
from tests.support.processes import free_port

PEAK_CONNECTIONS = 256
#: Of its peak, what the lane must still store.
LEAST_GOODPUT = 0.8


class Overload(msgspec.Struct):
    """One run on one database. Rates are answers 201 a second; memory is the lane's, in MB."""

    engine: str
    peak: float
    under: float
    refused: int
    broken: int
    memory_before: float
    memory_after: float
    answered: int
    stored: int
    #: What a refusal says.
    refusals: dict[str, int]

    @property
    def goodput(self) -> float:
        """What is stored a second, the peak being 1."""
        return self.under / self.peak

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        return [
            text
            for is_wrong, text in (
                (self.stored < self.answered, f"{self.answered:,} answers 201, but {self.stored:,} leads"),
                (self.stored > self.answered + self.broken, "leads that nobody sent"),
                (self.goodput < LEAST_GOODPUT, f"goodput {self.goodput:.2f} of the peak"),
                (not self.refused, "nothing was refused: this was no overload"),
                (self.refusals.keys() != {"503"}, f"refused otherwise than with 503: {self.refusals}"),
            )
            if is_wrong
        ]


def measure(engine: str, seconds: int, times: int, folder: Path) -> Overload:
    """Peak, then overload, on a fresh installation."""
    made = installations.make(folder / f"overload-{engine}", engine)
    try:
        made.set_endpoint(allow_all_ips=True, allowed_origins=[], max_leads_per_ip=None)
        server = made.intake(port=free_port())
        lane = worker_of(server.pid)
        _name, tool = choose("auto")
        url = f"http://127.0.0.1:{server.port}/public/v1/leads/{made.key}"
        peak = tool(url, "peak", seconds, PEAK_CONNECTIONS)
        before = _resident(lane)
        under = tool(url, "over", seconds, times * QUEUE)
        after = _resident(lane)
        server.end()
        refusals = dict(
            made.sql(
                "SELECT CAST(status AS text), sum(n) FROM ("
                "SELECT status, count(*) AS n FROM attempt WHERE lead_id IS NULL GROUP BY status UNION ALL "
                "SELECT status, sum(count) FROM attempt_summary GROUP BY status) AS both_kinds GROUP BY status"
            )
        )
        return Overload(
            engine, peak.in_time / seconds, under.in_time / seconds, under.refused, under.broken, before, after,
            peak.created + under.created, made.count("lead"), {name: int(count) for name, count in refusals.items()},
        )  # fmt: skip
    finally:
        installations.remove(made)


def _resident(pid: int) -> float:
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) / 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=pages.ENGINES, action="append", help="default: both")
    parser.add_argument("--seconds", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--times", type=int, default=3, help="how many times the lane's queue (default: %(default)s)")
    options = parser.parse_args(arguments)
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    problems = 0
    with machine.run_folder() as folder:
        for engine in options.engine or pages.ENGINES:
            found = measure(engine, options.seconds, options.times, folder)
            print(
                f"{engine}: peak {found.peak:,.0f}/s; under {options.times * QUEUE:,} connections {found.under:,.0f}/s,"
                f" goodput {found.goodput:.2f}; {found.refused:,} refused, {found.broken:,} connections broken;"
                f" memory {found.memory_before:.0f} MB, then {found.memory_after:.0f} MB;"
                f" {found.answered:,} answers 201, {found.stored:,} leads",
                *(f"  WRONG: {problem}" for problem in found.problems),
                sep="\n",
                flush=True,
            )
            problems += len(found.problems)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
