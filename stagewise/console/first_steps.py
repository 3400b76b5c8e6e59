"""The way to the first lead: copy the URL, say who may call, post. Each step sees by itself when it is done."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stagewise.console import logs_rows
from stagewise.endpoints import journal, queries

if TYPE_CHECKING:
    from stagewise.console.access import Seat
    from stagewise.console.logs_rows import Dressed
    from stagewise.endpoints.models import Endpoint

#: What the sample sends: fields that pass.
_LEAD: Final = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com", "message": "Hello!"}


@dataclass(frozen=True)
class FirstSteps:
    """The steps for one endpoint, with how far they are."""

    endpoint: Endpoint
    url: str
    sample: str
    #: Whether somebody may call, and whether somebody did.
    open: bool
    called: bool
    #: The newest call: as no lead came, what stands in its way.
    last: Dressed | None


def steps(seat: Seat) -> FirstSteps | None:
    """The steps for the workspace's first endpoint that is switched on; None where there is no endpoint."""
    endpoints = queries.of_workspace(seat.workspace)
    if not endpoints:
        return None
    endpoint = next((each for each in endpoints if each.enabled), endpoints[0])
    url = queries.url_of(endpoint)
    body = json.dumps(_LEAD)
    last = logs_rows.dressed(seat, journal.page(seat.workspace, size=1).rows, endpoints)
    return FirstSteps(
        endpoint,
        url,
        f"curl -i {url} \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'",
        endpoint.enabled and bool(endpoint.allow_all_ips or endpoint.allowed_ips or endpoint.form.get("enabled")),
        bool(last),
        last[0] if last else None,
    )
