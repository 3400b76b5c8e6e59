"""How fast one worker empties the outbox to a webhook on the same machine.

    python -m bench.drain [--engine sqlite|postgres] [--events 5000] [--rounds 3]

Each round has a fresh installation, the events in its outbox before the worker starts, and a receiver in a process of
its own that answers 204 at once. Timed is from the first delivery that arrives to the last. Exits with 1 if one is
missing or comes twice.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec

from bench import machine
from tests.support import installation as installations
from tests.support.flood import add_leads
from tests.support.receiver import Receiver, receiving

ENGINES: Final = ("sqlite", "postgres")
EVENTS: Final = 5_000
_LONGEST_S = 180
_LOOPBACK = "127.0.0.0/8"


class Drained(msgspec.Struct, frozen=True):
    """One round: deliveries a second, and how many came in all and without repetition."""

    engine: str
    events: int
    rate: float
    arrived: int
    different: int

    @property
    def problem(self) -> str:
        """What is wrong with it; empty when each event arrived once."""
        if self.arrived == self.different == self.events:
            return ""
        return f"of {self.events:,} events {self.different:,} arrived, in {self.arrived:,} deliveries"


def measure(folder: Path, engine: str, events: int) -> Drained:
    """One round in a folder below ``folder``."""
    name = f"drain-{engine}-{time.monotonic_ns()}"
    made = installations.make(folder / name, engine)
    try:
        with receiving(folder / f"{name}.received") as receiver:
            made.stagewise("channel", "add", "webhook", "Receiver", receiver.url, outbound_allow=_LOOPBACK)
            add_leads(made, events)
            made.start("worker", outbound_allow=_LOOPBACK)
            _wait(receiver, events)
            times = receiver.times()
            took = times[-1] - times[0] if len(times) > 1 else float("inf")
            return Drained(engine, events, len(times) / took, len(times), len(receiver.got()))
    finally:
        installations.remove(made)


def _wait(receiver: Receiver, events: int) -> None:
    end = time.monotonic() + _LONGEST_S
    while receiver.count() < events and time.monotonic() < end:
        time.sleep(0.2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the rounds; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.drain", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--engine", choices=ENGINES, default="sqlite", help="default: %(default)s")
    parser.add_argument("--events", type=int, default=EVENTS, help="events of a round (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args(arguments)
    with machine.run_folder() as folder:
        rounds = [measure(folder, options.engine, options.events) for _ in range(options.rounds)]
    for number, each in enumerate(rounds, 1):
        print(f"round {number} {each.engine:8} {each.rate:7,.0f} deliveries/s  {each.problem}")
    print(f"median           {median(each.rate for each in rounds):7,.0f} deliveries/s")
    return 1 if any(each.problem for each in rounds) else 0


if __name__ == "__main__":
    sys.exit(main())
