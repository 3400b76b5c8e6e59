"""How fast calls are refused, each with its row in the journal, beside an endpoint that does nothing.

    python -m bench.refusals [--engine sqlite|postgres] [--rounds 3] [--seconds 4]

Four reasons: an address that is not listed, an origin that is not allowed, a limit that is reached, a field that is
wrong. They take turns with (a) of ``make bench``, on 256 connections and one process of the lane, and a ratio is taken
within a round. Every answer must be that refusal, and the journal must hold as many as were answered: the details, and
the sums that stand in for the rest. Exits with 1 if it is otherwise.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench import machine, pages
from bench.contestants import Echo
from bench.figures import Load
from bench.tools import Tool, choose
from tests.support import installation as installations
from tests.support.processes import free_port, request

CONNECTIONS = 256
WARM_SECONDS = 1
#: Of what the do-nothing endpoint answers.
ASKED = 0.55
_LEAD = b'{"name": "Ada", "phone": "+1 415 555 2671", "email": "ada@example.com"}'
_JSON = {"Content-Type": "application/json"}


class Reason(msgspec.Struct, frozen=True):
    """Why calls are refused: the endpoint's rules, what the calls carry, and the refusal."""

    title: str
    outcome: str
    status: int
    ips: tuple[str, ...] | None = None
    origins: tuple[str, ...] = ()
    limit: int | None = None
    #: The ``Origin`` of the calls, and the end of their addresses of mail.
    origin: str = ""
    host: str = "@example.com"


REASONS = (
    Reason("address not listed", "ip_not_allowed", 403, ips=("192.0.2.7",)),
    Reason("origin not allowed", "origin_not_allowed", 403, origins=("https://ours.example",),
           origin="https://theirs.example"),
    Reason("limit reached", "rate_limited", 429, limit=1),
    Reason("wrong field", "invalid_fields", 422, host=""),
)  # fmt: skip


class Run(msgspec.Struct):
    """One run of one reason: answers a second, and what was wrong with it."""

    rate: float
    p50_ms: float
    p99_ms: float
    problem: str


def measure(reason: Reason, engine: str, seconds: int, tool: Tool, folder: Path) -> Run:
    """Refuse for that long on a fresh installation."""
    made = installations.make(folder / f"refusals-{secrets.token_hex(4)}", engine)
    try:
        made.set_endpoint(
            allow_all_ips=reason.ips is None, allowed_ips=list(reason.ips or ()), allowed_origins=list(reason.origins),
            max_leads_per_ip=reason.limit,
        )  # fmt: skip
        server = made.intake(port=free_port())
        url = f"http://127.0.0.1:{server.port}/public/v1/leads/{made.key}"
        if reason.limit is not None:
            first = request(server.port, "POST", f"/public/v1/leads/{made.key}", _LEAD, _JSON)
            assert first.status == 201, first.body
        loads = [
            tool(url, secrets.token_hex(4), each, CONNECTIONS, reason.status, origin=reason.origin, host=reason.host)
            for each in (WARM_SECONDS, seconds)
        ]
        server.end()
        kept = made.sql(
            "SELECT (SELECT count(*) FROM attempt WHERE outcome = ?),"
            " (SELECT coalesce(sum(count), 0) FROM attempt_summary WHERE outcome = ?),"
            " (SELECT coalesce(sum(count), 0) FROM attempt_counter WHERE outcome = ?)",
            *(reason.outcome,) * 3,
        )
        return _run(loads, seconds, [int(count) for count in kept[0]])
    finally:
        installations.remove(made)


def _run(loads: Sequence[Load], seconds: int, kept: Sequence[int]) -> Run:
    answered = sum(load.created for load in loads)
    failures = sum(load.failures for load in loads)
    detailed, summed, counted = kept
    problems = [
        f"{failures:,} failures" if failures else "",
        f"{answered:,} refused, but {detailed:,} + {summed:,} in the journal" if detailed + summed != answered else "",
        f"{answered:,} refused, but {counted:,} counted" if counted != answered else "",
    ]
    load = loads[-1]
    return Run(load.in_time / seconds, load.p50_us / 1000, load.p99_us / 1000, "; ".join(filter(None, problems)))


def nothing(seconds: int, tool: Tool, folder: Path) -> float:
    """Answers a second of the endpoint that does nothing."""
    echo = Echo(folder, free_port())
    try:
        echo.start()
        url = f"http://127.0.0.1:{echo.port}{echo.path}"
        tool(url, "warm", WARM_SECONDS, CONNECTIONS)
        return tool(url, "timed", seconds, CONNECTIONS).in_time / seconds
    finally:
        echo.remove()


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.refusals", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=pages.ENGINES, action="append", help="default: both")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--seconds", type=int, default=4, help="default: %(default)s")
    options = parser.parse_args(arguments)
    _name, tool = choose("auto")
    problems = 0
    with machine.run_folder() as folder:
        for engine in options.engine or pages.ENGINES:
            runs: dict[Reason, list[Run]] = {reason: [] for reason in REASONS}
            ratios: dict[Reason, list[float]] = {reason: [] for reason in REASONS}
            for _ in range(options.rounds):
                whole = nothing(options.seconds, tool, folder)
                print(f"{engine}: (a) {whole:,.0f}/s", flush=True)
                for reason in REASONS:
                    run = measure(reason, engine, options.seconds, tool, folder)
                    runs[reason].append(run)
                    ratios[reason].append(run.rate / whole)
                    problems += bool(run.problem)
                    print(f"  {reason.title:20}{run.rate:9,.0f}/s  p50 {run.p50_ms:.1f} ms  p99 {run.p99_ms:.1f} ms"
                          f"  {run.problem}", flush=True)  # fmt: skip
            for reason in REASONS:
                middle, of = median(ratios[reason]), ratios[reason]
                rate = median(run.rate for run in runs[reason])
                reached = "reached" if middle >= ASKED else "NOT REACHED"
                print(f"{engine} {reason.title:20}{rate:9,.0f}/s, {middle:.2f} of (a) ({min(of):.2f} to {max(of):.2f}),"
                      f" asked {ASKED}: {reached}", flush=True)  # fmt: skip
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
