"""What `stagewise serve` tells the person who started it."""

from __future__ import annotations

import contextlib
import json
import sys

from stagewise import filesystems
from stagewise.serve.state import State
from stagewise.settings import Settings

_LEAD = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com", "message": "Hello!"}


def say(chosen: Settings, state: State, setup_url: str | None) -> None:
    """Print where everything is, and a ``curl`` line that works as printed while the endpoint allows this machine."""
    lines = ["", "Stagewise is running.", "", f"  Console    {chosen.console_url}"]
    if setup_url:
        lines.append(f"  First, set the owner's e-mail and password (this link works once):\n             {setup_url}")
    if state.endpoint_key:
        url = f"{chosen.public_url}/public/v1/leads/{state.endpoint_key}"
        lines.append(f"  Endpoint   {url}")
        if state.loopback_allowed:
            lines += ["", "Try it:", f"  curl -i -H 'Content-Type: application/json' -d '{json.dumps(_LEAD)}' {url}"]
    fleeting = "" if chosen.uses_postgres else filesystems.warning(filesystems.kind_of(chosen.data_dir))
    if fleeting:
        lines += ["", f"Not for real leads: {chosen.data_dir} is on {fleeting}."]
        lines += ["Set STAGEWISE_DATA_DIR to a lasting disk, or use PostgreSQL."]
    lines.append("")
    # Nobody may be reading any more; that is no reason to stop serving.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write("\n".join(lines) + "\n")
        sys.stdout.flush()
