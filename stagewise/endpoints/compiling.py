"""An endpoint's settings, saved or not, in the form in which the lane reads them: compiled by the lane's own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import connection

from stagewise.store import statements
from stagewise.store.rules import Compiled, EndpointRow, KeyRow, TypeRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.endpoints.models import Endpoint
    from stagewise.store.view import Entry

#: Stands for the endpoint's current key: the real one is nobody's business here.
KEY: Final = "this-endpoint"


def rules_of(endpoint: Endpoint) -> Entry:
    """What the endpoint's key would stand for, without the lead types."""
    return _entry(endpoint, ())


def entry_of(endpoint: Endpoint) -> Entry:
    """What the endpoint's key would stand for, with the lead types that are in use."""
    with connection.cursor() as cursor:
        cursor.execute(statements.TYPES.format(one="%s"), [endpoint.workspace_id])
        types = [(row[0], row[1], row[2], row[3]) for row in cursor.fetchall()]
    return _entry(endpoint, types)


def _entry(endpoint: Endpoint, types: Sequence[TypeRow]) -> Entry:
    row = EndpointRow(
        endpoint.enabled, endpoint.allow_all_ips, endpoint.allowed_ips, endpoint.allowed_origins,
        endpoint.max_leads_per_ip, endpoint.name, endpoint.forwarding, endpoint.server_ceiling, endpoint.over_limit,
        (endpoint.captcha, endpoint.holding, endpoint.form),
    )  # fmt: skip
    key = KeyRow(KEY, None, endpoint.pk, endpoint.workspace_id, endpoint.version, 0)
    return Compiled().entries([key], lambda _endpoint: row, lambda _workspace: types)[KEY]
