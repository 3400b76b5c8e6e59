"""Reading endpoints: their URLs, and as objects for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from stagewise.endpoints import optional
from stagewise.endpoints.models import Endpoint, EndpointKey

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace


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
        "forwarding": endpoint.forwarding,
        "server_ceiling": endpoint.server_ceiling,
        "over_limit": endpoint.over_limit,
        **{name: optional.shown(name, getattr(endpoint, name)) for name in optional.RULES},
    }
