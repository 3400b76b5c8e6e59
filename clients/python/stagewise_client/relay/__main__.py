"""``stagewise-relay``, also as ``python -m stagewise_client.relay``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command, if what it needs beside the client is there."""
    try:
        from stagewise_client.relay.command import main as command
    except ImportError as missing:
        if missing.name != "click":
            raise
        sys.exit(_needs_more())
    command()


def _needs_more() -> int:
    print("stagewise-relay: something is missing: pip install 'stagewise-client[relay]'", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    main()
