"""Reading endpoints: as objects for scripts, and what an owner should know about their rules."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from django.conf import settings

from stagewise.endpoints.models import Endpoint, EndpointKey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.accounts.models import Workspace

#: code → what to say; only the last one has places to fill in.
WARNINGS = {
    "switched_off": "This endpoint is switched off: every call is refused.",
    "nobody": (
        "Nobody can send leads: the list of allowed IPs is empty and “Allow from all IPs” is off. Add your server's IP."
    ),
    "all_ips": "Every computer on the internet may send leads. Safer: call from your server and allow only its IP.",
    "all_origins": ("Pages of every website may send leads. Add your website's origin to the allowed CORS origins."),
    "origins_without_all_ips": (
        "Origins matter for calls from browsers, and browsers call from your visitors' IPs, which are not allowed."
        " Turn “Allow from all IPs” on if your pages call this endpoint themselves."
    ),
    "no_limit": "There is no limit: one IP can send any number of leads. 10 is a good start.",
    "low_limit_one_server": (
        "All your visitors come through the one server {server} and share its limit: after {limit} leads in 24 hours"
        " the next visitor is refused. Set more than you expect in a day."
    ),
}

#: Below this a limit is low for a server that sends in the name of all its visitors.
_LOW_FOR_A_SERVER = 100


def of_workspace(workspace: Workspace) -> list[Endpoint]:
    """The workspace's endpoints, the oldest first."""
    return list(Endpoint.objects.filter(workspace=workspace))


def public_base() -> str:
    """Where websites reach the endpoint, without a slash at the end."""
    return str(settings.OURS.public_url)


def key_of(endpoint: Endpoint) -> str:
    """The current key, the random part of the URL."""
    return EndpointKey.objects.filter(endpoint=endpoint, retires_at=None).values_list("key", flat=True).get()


def retiring_keys(endpoint: Endpoint, now: int) -> list[EndpointKey]:
    """Keys that were rotated away and still work at ``now`` (milliseconds since 1970)."""
    return list(EndpointKey.objects.filter(endpoint=endpoint, retires_at__gt=now).order_by("retires_at"))


def url_of(endpoint: Endpoint) -> str:
    """The URL that websites post leads to."""
    return f"{public_base()}/public/v1/leads/{key_of(endpoint)}"


def as_dict(endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as the command line prints it."""
    key = key_of(endpoint)
    return {
        "name": endpoint.name,
        "key": key,
        "url": f"{public_base()}/public/v1/leads/{key}",
        "enabled": endpoint.enabled,
        "allow_all_ips": endpoint.allow_all_ips,
        "allowed_ips": endpoint.allowed_ips,
        "allowed_origins": endpoint.allowed_origins,
        "max_leads_per_ip": endpoint.max_leads_per_ip,
    }


def warnings(endpoint: Endpoint) -> list[dict[str, str]]:
    """What the owner should know about the saved rules, as ``{"code", "text"}``, the worst first."""
    texts = WARNINGS | {
        "low_limit_one_server": WARNINGS["low_limit_one_server"].format(
            server=next(iter(endpoint.allowed_ips), ""), limit=endpoint.max_leads_per_ip
        )
    }
    return [{"code": code, "text": texts[code]} for code in _warning_codes(endpoint)]


def _warning_codes(endpoint: Endpoint) -> Iterator[str]:
    if not endpoint.enabled:
        yield "switched_off"
    if endpoint.allow_all_ips:
        yield "all_ips"
        if not endpoint.allowed_origins:
            yield "all_origins"
    elif not endpoint.allowed_ips:
        yield "nobody"
    elif endpoint.allowed_origins:
        yield "origins_without_all_ips"
    if endpoint.max_leads_per_ip is None:
        yield "no_limit"
    elif _one_server(endpoint) and endpoint.max_leads_per_ip < _LOW_FOR_A_SERVER:
        yield "low_limit_one_server"


def _one_server(endpoint: Endpoint) -> bool:
    """Whether leads can come from a single address only. A try-out on this machine does not count."""
    if endpoint.allow_all_ips or len(endpoint.allowed_ips) != 1:
        return False
    network = ipaddress.ip_network(endpoint.allowed_ips[0])
    return network.num_addresses == 1 and not network.is_loopback
