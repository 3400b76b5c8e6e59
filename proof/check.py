"""The checker: a client's journal held against the database.

    python -m proof.check JOURNAL (--data-dir DIR | --database URL) [--limit N] [--unknown N] [--quiet-end]

Prints each invariant with what it found and exits with 1 if one is broken. ``--limit`` is the rolling limit that was
set all the time; ``--unknown`` how many callers may be left without an answer; ``--quiet-end`` says that nothing was
killed and the worker has had its time: then counters must add up and no event may wait.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from proof import journal, stored
from proof.invariants import ALWAYS, Invariant, counters_add_up, limit_kept, nothing_waits, unknown_at_most
from proof.journal import Call
from proof.stored import Stored


def invariants(
    *, limit: int | None = None, unknown: int | None = None, quiet_end: bool = False
) -> dict[str, Invariant]:
    """Those that hold always, and those that hold under these circumstances."""
    chosen = dict(ALWAYS)
    if limit is not None:
        chosen[f"the limit of {limit} was kept"] = limit_kept(limit)
    if unknown is not None:
        chosen[f"at most {unknown:,} callers do not know"] = unknown_at_most(unknown)
    if quiet_end:
        chosen["every answer is counted"] = counters_add_up
        chosen["no event waits"] = nothing_waits
    return chosen


def breaches(calls: Sequence[Call], there: Stored, chosen: Mapping[str, Invariant] = ALWAYS) -> dict[str, list[str]]:
    """The invariants that are broken, with their breaches."""
    found = {name: check(calls, there) for name, check in chosen.items()}
    return {name: lines for name, lines in found.items() if lines}


def report(calls: Sequence[Call], there: Stored, chosen: Mapping[str, Invariant]) -> tuple[str, bool]:
    """The table, and whether all is well."""
    broken = breaches(calls, there, chosen)
    statuses = Counter(answer.status for call in calls for answer in call.answers)
    answers = ", ".join(f"{count:,} x {status or 'none'}" for status, count in sorted(statuses.items()))
    lines = [f"{len(calls):,} leads sent ({answers}), {len(there.leads):,} stored"]
    for name in chosen:
        lines.append(f"{'BROKEN' if name in broken else 'holds':8}{name}")
        lines += [f"{'':8}  {breach}" for breach in broken.get(name, [])]
    return "\n".join(lines), not broken


def main(arguments: Sequence[str] | None = None) -> int:
    """Check and print; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m proof.check", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("journal", type=Path)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--data-dir", type=Path, help="of an installation on SQLite")
    place.add_argument("--database", help="URL of a PostgreSQL database")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--unknown", type=int)
    parser.add_argument("--quiet-end", action="store_true")
    options = parser.parse_args(arguments)
    calls = journal.read(options.journal)
    there = (
        stored.of_url(options.database) if options.database else stored.of_file(options.data_dir / "stagewise.sqlite3")
    )
    chosen = invariants(limit=options.limit, unknown=options.unknown, quiet_end=options.quiet_end)
    text, well = report(calls, there, chosen)
    print(text)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
