"""What an owner should know about an endpoint's saved rules, before a lead is lost or a bot gets in."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from stagewise.endpoints.optional import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stagewise.endpoints.models import Endpoint

#: code → what to say; ``{…}`` is filled in from the endpoint.
WARNINGS = {
    "switched_off": _("This endpoint is switched off: every call is refused."),
    "nobody": _(
        "Nobody can send leads: the list of allowed IPs is empty and “Allow from all IPs” is off. Add your server's IP."
    ),
    "all_ips": _("Every computer on the internet may send leads. Safer: call from your server and allow only its IP."),
    "all_origins": _("Pages of every website may send leads. Add your website's origin to the allowed CORS origins."),
    "origins_without_all_ips": _(
        "Origins matter for calls from browsers, and browsers call from your visitors' IPs, which are not allowed."
        " Turn “Allow from all IPs” on if your pages call this endpoint themselves."
    ),
    "no_limit": _("There is no limit: one IP can send any number of leads. 10 is a good start."),
    "low_limit_one_server": _(
        "All your visitors come through the one server {server} and share its limit: after {limit} leads in 24 hours"
        " the next visitor is refused. Turn forwarding on and let your server send each visitor's IP as"
        " Stagewise-Visitor-IP, or set a limit of more than you expect in a day."
    ),
    "forwarding_nobody": _(
        "Forwarding is on, but the list of allowed IPs is empty, so no server may name a visitor's IP. Add your"
        " server's IP."
    ),
    "forwarding_wide": _(
        "Forwarding trusts everybody in {block}, and whoever is trusted can make up visitors' IPs. List your own"
        " servers only."
    ),
    "no_ceiling": _(
        "Your servers have no ceiling: one that is broken into can send any number of leads in the name of visitors"
        " who do not exist. 2,000 is a good start."
    ),
    "captcha_any_host": _(
        "{provider} takes answers that were given on any website. Name the host names of yours, so that nobody can"
        " solve it elsewhere and send here."
    ),
    "form_foreign_captcha": _(
        "The hosted form cannot show {provider}, so nobody can pass its CAPTCHA there. Choose ALTCHA, or switch the"
        " hosted form off."
    ),
    "form_open": _(
        "The hosted form is open to every bot that finds it. Ask for a CAPTCHA (ALTCHA needs no account anywhere), or"
        " hold leads with a filled honeypot."
    ),
}

#: Below this a limit is low for a server that sends in the name of all its visitors.
_LOW_FOR_A_SERVER = 100
#: Networks with fewer bits in front hold more than one owner's servers.
_OWN_NETWORK = {4: 24, 6: 48}


def warnings(endpoint: Endpoint) -> list[dict[str, str]]:
    """What the owner should know about the saved rules, as ``{"code", "text"}``, the worst first."""
    filled = {
        "server": next(iter(endpoint.allowed_ips), ""),
        "limit": endpoint.max_leads_per_ip,
        "block": next(iter(_wide_blocks(endpoint)), ""),
        "provider": PROVIDERS.get(endpoint.captcha.get("provider", ""), ""),
    }
    return [{"code": code, "text": WARNINGS[code].format(**filled)} for code in _codes(endpoint)]


def _codes(endpoint: Endpoint) -> Iterator[str]:
    if not endpoint.enabled:
        yield "switched_off"
    yield from _of_callers(endpoint)
    if endpoint.max_leads_per_ip is None:
        yield "no_limit"
    elif not endpoint.forwarding and endpoint.max_leads_per_ip < _LOW_FOR_A_SERVER and _one_server(endpoint):
        yield "low_limit_one_server"
    if endpoint.forwarding:
        yield from _of_forwarding(endpoint)
    yield from _of_bots(endpoint)


def _of_callers(endpoint: Endpoint) -> Iterator[str]:
    if endpoint.allow_all_ips:
        yield "all_ips"
        if not endpoint.allowed_origins:
            yield "all_origins"
    elif not endpoint.allowed_ips:
        if not endpoint.form.get("enabled"):
            yield "nobody"
    elif endpoint.allowed_origins:
        yield "origins_without_all_ips"


def _of_forwarding(endpoint: Endpoint) -> Iterator[str]:
    if not endpoint.allowed_ips:
        yield "forwarding_nobody"
    if _wide_blocks(endpoint):
        yield "forwarding_wide"
    if endpoint.server_ceiling is None:
        yield "no_ceiling"


def _of_bots(endpoint: Endpoint) -> Iterator[str]:
    provider = endpoint.captcha.get("provider", "")
    remote = provider not in {"", "altcha"}
    if remote and not endpoint.captcha.get("hostnames"):
        yield "captcha_any_host"
    if endpoint.form.get("enabled"):
        if remote:
            yield "form_foreign_captcha"
        elif not provider and not endpoint.holding.get("honeypot"):
            yield "form_open"


def _wide_blocks(endpoint: Endpoint) -> list[str]:
    """Blocks of the list that hold more than one owner's servers."""
    networks = ((block, ipaddress.ip_network(block)) for block in endpoint.allowed_ips if "/" in block)
    return [block for block, found in networks if found.prefixlen < _OWN_NETWORK[found.version]]


def _one_server(endpoint: Endpoint) -> bool:
    """Whether leads can come from a single address only. A try-out on this machine does not count."""
    if endpoint.allow_all_ips or len(endpoint.allowed_ips) != 1:
        return False
    network = ipaddress.ip_network(endpoint.allowed_ips[0])
    return network.num_addresses == 1 and not network.is_loopback
