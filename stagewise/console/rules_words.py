"""An endpoint's settings in few words: beside each folded section, and where two people saved at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from stagewise.endpoints.optional import PROVIDERS

if TYPE_CHECKING:
    from stagewise.endpoints.models import Endpoint

#: What the page offers to choose from, by field: (value, label).
CHOICES = {
    "over_limit": [
        ("refuse", gettext_lazy("Refuse it: “Too Many Requests”")),
        ("hold", gettext_lazy("Hold it until somebody looks at it")),
    ],
    "captcha_provider": [("", gettext_lazy("None")), *PROVIDERS.items()],
    "captcha_if_failed": [
        ("refuse", gettext_lazy("Refuse the lead")),
        ("hold", gettext_lazy("Hold the lead until somebody looks at it")),
    ],
    "captcha_if_down": [
        ("refuse", gettext_lazy("Refuse leads for the time being")),
        ("hold", gettext_lazy("Hold leads until somebody looks at them")),
        ("admit", gettext_lazy("Take leads without a check")),
    ],
}


def state_of(endpoint: Endpoint) -> dict[str, str]:
    """What each section does now, by its name."""
    return {
        "forwarding": _forwarding(endpoint),
        "captcha": PROVIDERS.get(endpoint.captcha.get("provider", ""), _("off")),
        "holding": _holding(endpoint),
        "form": _("on") if endpoint.form.get("enabled") else _("off"),
    }


def saved_facts(endpoint: Endpoint) -> list[tuple[str, str]]:
    """All saved settings as label and words."""
    state = state_of(endpoint)
    limit = endpoint.max_leads_per_ip
    return [
        (_("Allow from all IPs"), _("on") if endpoint.allow_all_ips else _("off")),
        (_("Allowed IPs"), ", ".join(endpoint.allowed_ips) or _("none")),
        (_("Allowed CORS origins"), ", ".join(endpoint.allowed_origins) or _("none")),
        (_("Maximum leads per IP"), _("no limit") if limit is None else str(limit)),
        (_("Over the limit"), _("held") if endpoint.over_limit == "hold" else _("refused")),
        (_("Forwarding"), state["forwarding"]),
        ("CAPTCHA", state["captcha"]),
        (_("Held leads"), state["holding"]),
        (_("Hosted form"), state["form"]),
    ]


def _forwarding(endpoint: Endpoint) -> str:
    if not endpoint.forwarding:
        return _("off")
    ceiling = endpoint.server_ceiling
    if ceiling is None:
        return _("on, no ceiling")
    return _("on, up to %(count)s leads a day for each server") % {"count": f"{ceiling:,}"}


def _holding(endpoint: Endpoint) -> str:
    rules = endpoint.holding
    links, words, domains = rules.get("max_links") or 0, len(rules.get("words", [])), len(rules.get("domains", []))
    said = {
        "honeypot": _("honeypot"),
        "min_seconds": _("sent within %(count)s s") % {"count": rules.get("min_seconds")},
        "max_links": ngettext("more than %(count)s link", "more than %(count)s links", links) % {"count": links},
        "repeated": _("the same message %(count)s times") % {"count": rules.get("repeated")},
        "words": ngettext("%(count)s blocked word", "%(count)s blocked words", words) % {"count": words},
        "domains": ngettext("%(count)s blocked domain", "%(count)s blocked domains", domains) % {"count": domains},
    }
    return ", ".join(text for field, text in said.items() if field in rules) or _("off")
