"""Beside each call that could have gone better: what mends it, as a button or a link."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext as _

from stagewise.console import numbers
from stagewise.core.addresses import AddressSet
from stagewise.core.limits import LARGEST
from stagewise.leads import aliases

if TYPE_CHECKING:
    from stagewise.console.access import Seat
    from stagewise.endpoints.journal import Row
    from stagewise.endpoints.models import Endpoint
    from stagewise.leads.models import UnmatchedName

#: A limit is raised to the next of these.
_LIMITS: Final = (10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, LARGEST)
#: So many names that came and were no lead type's are offered beside a call.
_NAMES: Final = 3
#: Of a workspace's names, all that there can be (stagewise/store/journal.py).
_LOOKED_THROUGH: Final = 100


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
        self._seat = seat
        self._slug = seat.workspace.slug
        self._endpoints = {endpoint.pk: endpoint for endpoint in endpoints}
        self._addresses = {endpoint.pk: AddressSet(endpoint.allowed_ips) for endpoint in endpoints}

    def mends_for(self, row: Row) -> list[Mend]:
        """What would let the next such call pass, the likeliest first; none where the caller must change something."""
        endpoint = self._endpoints.get(row.endpoint_id)
        if endpoint is None:
            return []
        if row.note == "visitor_ip_ignored":
            return _some(self._forward(row, endpoint))
        match row.outcome.code:
            case "ip_not_allowed" | "origin_required":
                return _some(self._allow_address(row, endpoint))
            case "origin_not_allowed":
                return _some(self._allow_origin(row, endpoint))
            case "unknown_lead_type":
                return self._lead_types(row)
            case "rate_limited" if row.note != "server_ceiling":
                return self._raise_limit(endpoint)
        return _some(self._switch_or_link(row, endpoint))

    def add_lead_type(self, name: UnmatchedName) -> Mend:
        """Make a lead type of a name that came and was none's."""
        url = reverse("mend_lead_type", args=[self._slug])
        return Mend(_("Add the lead type “%s”") % name.name, url, {"name": name.name})

    def _switch_or_link(self, row: Row, endpoint: Endpoint) -> Mend | None:
        page = reverse("endpoint", args=[self._slug, endpoint.pk])
        match row.outcome.code:
            case "rate_limited":
                return Mend(_("Raise the ceiling"), f"{page}?open=forwarding#server_ceiling")
            case "endpoint_disabled" if not endpoint.enabled:
                return Mend(
                    _("Switch it on"), reverse("endpoint_switch", args=[self._slug, endpoint.pk]), {"enabled": "on"}
                )
            case "endpoint_disabled":
                return Mend(_("Show the current URL"), page)
            case "captcha_failed" | "captcha_unavailable":
                return Mend(_("Open the CAPTCHA's settings"), f"{page}?open=captcha#captcha")
            case "held" | "holding_full":
                return Mend(_("Look at held leads"), reverse("held", args=[self._slug]), for_all=True)
        return None

    def _forward(self, row: Row, endpoint: Endpoint) -> Mend | None:
        """Forwarding helps whom the list trusts; to anybody else nothing is offered."""
        if row.address is None or row.address not in self._addresses[endpoint.pk]:
            return None
        if endpoint.forwarding:
            return Mend(_("Forwarding is on now"))
        url = reverse("endpoint_forwarding", args=[self._slug, endpoint.pk])
        return Mend(_("Turn forwarding on"), url, {"forwarding": "on"})

    def _allow_address(self, row: Row, endpoint: Endpoint) -> Mend | None:
        # Of a call from long ago only the network may be kept.
        if row.address is None or row.note == "untrusted_proxy" or "/" in row.address:
            return None
        if row.address in self._addresses[endpoint.pk] or (
            row.outcome.code == "ip_not_allowed" and endpoint.allow_all_ips
        ):
            return Mend(_("Allowed now"))
        url = reverse("endpoint_allow", args=[self._slug, endpoint.pk])
        return Mend(_("Allow %s") % row.address, url, {"allowed_ips": row.address})

    def _allow_origin(self, row: Row, endpoint: Endpoint) -> Mend | None:
        if not endpoint.allowed_origins or row.origin in endpoint.allowed_origins:
            return Mend(_("Allowed now"))
        if not row.origin.startswith(("http://", "https://")):
            return None
        url = reverse("endpoint_allow", args=[self._slug, endpoint.pk])
        return Mend(_("Allow %s") % row.origin, url, {"allowed_origins": row.origin})

    def _raise_limit(self, endpoint: Endpoint) -> list[Mend]:
        limit = endpoint.max_leads_per_ip
        if limit is None:
            return [Mend(_("There is no limit now"))]
        page = Mend(_("Change the limit"), f"{reverse('endpoint', args=[self._slug, endpoint.pk])}#max_leads_per_ip")
        more = next((each for each in _LIMITS if each > limit), None)
        if more is None:
            return [page]
        url = reverse("mend_limit", args=[self._slug, endpoint.pk])
        label = _("Raise the limit to %s") % numbers.count(more)
        return [Mend(label, url, {"from": str(limit), "to": str(more)}), page]

    def _lead_types(self, row: Row) -> list[Mend]:
        """The name that was sent is not kept with the call; it is among those that came at that time or later."""
        came = sorted(
            (name for name in self._unmatched if name.last_at >= row.at - 1_000), key=lambda name: name.last_at
        )
        page = Mend(_("Open lead types"), reverse("lead_types", args=[self._slug]))
        return [*(self.add_lead_type(name) for name in came[:_NAMES]), page]

    @cached_property
    def _unmatched(self) -> list[UnmatchedName]:
        return aliases.unmatched(self._seat.workspace, _LOOKED_THROUGH)


def _some(mend: Mend | None) -> list[Mend]:
    return [] if mend is None else [mend]
