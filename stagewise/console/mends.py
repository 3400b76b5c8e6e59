"""Beside each call that could have gone better: what mends it, as a button or a link."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.urls import reverse

from stagewise.core.addresses import AddressSet

if TYPE_CHECKING:
    from stagewise.console.access import Seat
    from stagewise.endpoints.journal import Row
    from stagewise.endpoints.models import Endpoint


class Mend(NamedTuple):
    """A button that posts ``fields`` to ``url``, or (without fields) a link there; or just a ``label`` to read."""

    label: str
    url: str = ""
    fields: dict[str, str] | None = None
    #: Not only for those who may change settings.
    for_all: bool = False


class Mender:
    """Knows the rules as they are now, so that nothing is offered that holds already."""

    def __init__(self, seat: Seat, endpoints: list[Endpoint]) -> None:
        self._slug = seat.workspace.slug
        self._endpoints = {endpoint.pk: endpoint for endpoint in endpoints}
        self._addresses = {endpoint.pk: AddressSet(endpoint.allowed_ips) for endpoint in endpoints}

    def mend_for(self, row: Row) -> Mend | None:
        """What would let the next such call pass; None where the caller must change something."""
        endpoint = self._endpoints.get(row.endpoint_id)
        if endpoint is None:
            return None
        if row.note == "visitor_ip_ignored":
            return self._forward(row, endpoint)
        match row.outcome.code:
            case "ip_not_allowed" | "origin_required":
                return self._allow_address(row, endpoint)
            case "origin_not_allowed":
                return self._allow_origin(row, endpoint)
            case "endpoint_disabled" if not endpoint.enabled:
                return Mend(
                    "Switch it on", reverse("endpoint_switch", args=[self._slug, endpoint.pk]), {"enabled": "on"}
                )
        return self._link(row, endpoint)

    def _link(self, row: Row, endpoint: Endpoint) -> Mend | None:
        page = reverse("endpoint", args=[self._slug, endpoint.pk])
        match row.outcome.code:
            case "rate_limited" if row.note == "server_ceiling":
                return Mend("Raise the ceiling", f"{page}?open=forwarding#server_ceiling")
            case "rate_limited":
                return Mend("Raise the limit", f"{page}#max_leads_per_ip")
            case "unknown_lead_type":
                return Mend("Open lead types", reverse("lead_types", args=[self._slug]))
            case "endpoint_disabled":
                return Mend("Show the current URL", page)
            case "captcha_failed" | "captcha_unavailable":
                return Mend("Open the CAPTCHA's settings", f"{page}?open=captcha#captcha")
            case "held" | "holding_full":
                return Mend("Look at held leads", reverse("held", args=[self._slug]), for_all=True)
        return None

    def _forward(self, row: Row, endpoint: Endpoint) -> Mend | None:
        """Forwarding helps whom the list trusts; to anybody else nothing is offered."""
        if row.address is None or row.address not in self._addresses[endpoint.pk]:
            return None
        if endpoint.forwarding:
            return Mend("Forwarding is on now")
        url = reverse("endpoint_forwarding", args=[self._slug, endpoint.pk])
        return Mend("Turn forwarding on", url, {"forwarding": "on"})

    def _allow_address(self, row: Row, endpoint: Endpoint) -> Mend | None:
        if row.address is None or row.note == "untrusted_proxy":
            return None
        if row.address in self._addresses[endpoint.pk] or (
            row.outcome.code == "ip_not_allowed" and endpoint.allow_all_ips
        ):
            return Mend("Allowed now")
        url = reverse("endpoint_allow", args=[self._slug, endpoint.pk])
        return Mend(f"Allow {row.address}", url, {"allowed_ips": row.address})

    def _allow_origin(self, row: Row, endpoint: Endpoint) -> Mend | None:
        if not endpoint.allowed_origins or row.origin in endpoint.allowed_origins:
            return Mend("Allowed now")
        if not row.origin.startswith(("http://", "https://")):
            return None
        url = reverse("endpoint_allow", args=[self._slug, endpoint.pk])
        return Mend(f"Allow {row.origin}", url, {"allowed_origins": row.origin})
