"""The page Integration → Stagewise API: what it shows of an endpoint, and of what somebody typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stagewise.accounts.clock import now_ms
from stagewise.console.access import Seat
from stagewise.console.context import show
from stagewise.console.rules_form import ALWAYS_SENT, saved_values
from stagewise.console.rules_words import CHOICES, saved_facts, state_of
from stagewise.endpoints import advice, entries, queries
from stagewise.leads import held_queries

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from stagewise.endpoints.models import Endpoint

#: The sections that are folded until somebody wants them.
FOLDED = ("forwarding", "captcha", "holding", "form")

#: The form on a page of one's own: see docs/form.md.
EMBED = """\
<div data-stagewise-form data-endpoint="{base}/public/v1/leads/{key}"{captcha}></div>
<script src="{base}/form.js" defer></script>"""


def shown(
    request: HttpRequest,
    seat: Seat,
    found: Endpoint | None,
    *,
    typed: dict[str, Any] | None = None,
    problems: dict[str, list[str]] | None = None,
    status: int = 200,
) -> HttpResponse:
    """The page. After a refusal it shows what was typed; the saved rules stay what they are."""
    typed, problems = dict(typed or {}), dict(problems or {})
    if problems and typed.pop("captcha_secret", ""):
        # Pages never show a secret, not even one that was typed a moment ago.
        problems.setdefault("captcha_secret", []).append("Type the secret key again.")
    context: dict[str, Any] = {
        "problems": {field or "all": texts for field, texts in problems.items()},
        "typed": typed,
        "endpoint": found,
    }
    if found is not None:
        context |= _of(found, typed)
        context["unfolded"] = _unfolded(request, problems)
    listed = queries.of_workspace(seat.workspace)
    return show(request, seat, "api.html", "api", status, endpoints=listed, **context)


def _of(endpoint: Endpoint, typed: dict[str, Any]) -> dict[str, Any]:
    saved, now = saved_values(endpoint), now_ms()
    key, base = queries.key_of(endpoint), queries.public_base()
    altcha = endpoint.captcha.get("provider") == "altcha"
    return {
        "url": f"{base}/public/v1/leads/{key}",
        "form_url": f"{base}/form/{key}",
        "embed": EMBED.format(base=base, key=key, captcha=' data-captcha="altcha"' if altcha else ""),
        "retiring": queries.retiring_keys(endpoint, now),
        "warnings": advice.warnings(endpoint) + held_queries.warnings(endpoint, now),
        "twins": entries.missing_twins(endpoint.allowed_origins),
        "facts": saved_facts(endpoint),
        "state": state_of(endpoint),
        "secret_set": saved["captcha_secret_set"],
        "values": _values(saved, typed) if "version" in typed else saved,
        "choices": CHOICES,
    }


def _values(saved: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed; who sent nothing of the folded sections left them as they are."""
    if "optional" in typed:
        return typed
    return {field: value for field, value in saved.items() if field not in ALWAYS_SENT} | typed


def _unfolded(request: HttpRequest, problems: dict[str, list[str]]) -> dict[str, bool]:
    """Which folded sections are open: the one that a link asked for, and those with something to correct."""
    wanted = request.GET.get("open", "")
    wrong = {"forwarding" if field == "server_ceiling" else field.partition("_")[0] for field in problems}
    return {section: section == wanted or section in wrong for section in FOLDED}
