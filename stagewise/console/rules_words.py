"""An endpoint's settings in few words: beside each folded section, and where two people saved at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stagewise.endpoints.optional import PROVIDERS

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint

#: What the page offers to choose from, by field: (value, label).
CHOICES = {
    "over_limit": [("refuse", "Refuse it: “Too Many Requests”"), ("hold", "Hold it until somebody looks at it")],
    "captcha_provider": [("", "None"), *PROVIDERS.items()],
    "captcha_if_failed": [("refuse", "Refuse the lead"), ("hold", "Hold the lead until somebody looks at it")],
    "captcha_if_down": [
        ("refuse", "Refuse leads for the time being"),
        ("hold", "Hold leads until somebody looks at them"),
        ("admit", "Take leads without a check"),
    ],
}


def state_of(endpoint: Endpoint) -> dict[str, str]:
    """What each section does now, by its name."""
    return {
        "forwarding": _forwarding(endpoint),
        "captcha": PROVIDERS.get(endpoint.captcha.get("provider", ""), "off"),
        "holding": _holding(endpoint),
        "form": "on" if endpoint.form.get("enabled") else "off",
    }


def saved_facts(endpoint: Endpoint) -> list[tuple[str, str]]:
    """All saved settings as label and words."""
    state = state_of(endpoint)
    limit = endpoint.max_leads_per_ip
    return [
        ("Allow from all IPs", "on" if endpoint.allow_all_ips else "off"),
        ("Allowed IPs", ", ".join(endpoint.allowed_ips) or "none"),
        ("Allowed CORS origins", ", ".join(endpoint.allowed_origins) or "none"),
        ("Maximum leads per IP", "no limit" if limit is None else str(limit)),
        ("Over the limit", "held" if endpoint.over_limit == "hold" else "refused"),
        ("Forwarding", state["forwarding"]),
        ("CAPTCHA", state["captcha"]),
        ("Held leads", state["holding"]),
        ("Hosted form", state["form"]),
    ]


def _forwarding(endpoint: Endpoint) -> str:
    if not endpoint.forwarding:
        return "off"
    ceiling = endpoint.server_ceiling
    return "on, no ceiling" if ceiling is None else f"on, up to {ceiling:,} leads a day for each server"


def _holding(endpoint: Endpoint) -> str:
    rules = endpoint.holding
    words = {
        "honeypot": "honeypot",
        "min_seconds": f"sent within {rules.get('min_seconds')} s",
        "max_links": f"more than {_many(rules.get('max_links'), 'link')}",
        "repeated": f"the same message {rules.get('repeated')} times",
        "words": _many(len(rules.get("words", [])), "blocked word"),
        "domains": _many(len(rules.get("domains", [])), "blocked domain"),
    }
    return ", ".join(text for field, text in words.items() if field in rules) or "off"


def _many(count: int | None, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
