"""The page Integration → Stagewise API: what it shows of an endpoint, and of what somebody typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext_lazy as _

from stagewise import samples
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.console import api_live, inputs, presets, try_it
from stagewise.console.access import Seat
from stagewise.console.context import show
from stagewise.console.rules_form import ALWAYS_SENT, RulesForm, differs, saved_values
from stagewise.console.rules_words import CHOICES, saved_facts, state_of
from stagewise.core.addresses import AddressSet
from stagewise.endpoints import actions, advice, entries, preview, queries, recent
from stagewise.endpoints.state import states
from stagewise.leads import held_queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import HttpRequest, HttpResponse

    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.recent import Seen

#: The sections that are folded until somebody wants them.
FOLDED = ("forwarding", "captcha", "holding", "form", "try", "explain", "find")

#: The programs in the page's tabs, by their names in stagewise/samples; the others are in Help.
SAMPLES: Final = (
    ("curl", "curl"), ("flask", "Python"), ("node", "Node.js"), ("php", "PHP"), ("browser", _("Browser")),
)  # fmt: skip

#: The form on a page of one's own: see docs/form.md.
EMBED = """\
<div data-stagewise-form data-endpoint="{base}/public/v1/leads/{key}"{captcha}></div>
<script src="{base}/form.js" defer></script>"""

#: So many entries of the list are shown with when they were last seen.
_LISTED: Final = 8


def shown(
    request: HttpRequest,
    seat: Seat,
    found: Endpoint | None,
    *,
    typed: dict[str, Any] | None = None,
    problems: dict[str, list[str]] | None = None,
    status: int = 200,
    **more: Any,
) -> HttpResponse:
    """The page. What was typed stays in its fields; the saved rules stay what they are.

    ``more`` are results to show: ``changes``, ``explained``, ``tried``, ``said``.
    """
    typed, problems = dict(typed or {}), dict(problems or {})
    if typed.pop("captcha_secret", ""):
        # Pages never show a secret, not even one that was typed a moment ago.
        problems.setdefault("captcha_secret", []).append(str(_("Type the secret key again.")))
    context: dict[str, Any] = {
        "problems": {field or "all": texts for field, texts in problems.items()},
        "typed": typed,
        "endpoint": found,
    }
    if found is not None:
        calls = recent.newest(found)
        context |= _of(found, typed, calls) | api_live.live(request, seat, found, calls)
        context["unfolded"] = _unfolded(request, problems, more)
        if context["unsaved"] and not problems and "changes" not in more:
            more |= weighed(found, RulesForm(typed))
        context["sample"], context["samples"] = _samples(request, context["url"], context["chosen"])
    listed = states(seat.workspace)
    state = next((each for each in listed if found is not None and each.endpoint.pk == found.pk), None)
    return show(request, seat, "api.html", "api", status, endpoints=listed, state_of_it=state, **{**context, **more})


def weighed(found: Endpoint, form: RulesForm) -> dict[str, Any]:
    """What the settings in the form would change (``changes``), or why they cannot be saved (``changes_problems``)."""
    changed, problems = unsaved(found, form)
    return {"changes": preview.preview(found, changed) if not problems else None, "changes_problems": problems}


def unsaved(found: Endpoint, form: RulesForm) -> tuple[Endpoint, dict[str, list[str]]]:
    """The endpoint with the settings in the form; with problems, the endpoint as it is saved."""
    problems = inputs.problems(form)
    if not problems:
        try:
            return actions.with_changes(found, form.changes()), {}
        except ActionError as error:
            problems = error.problems
    return found, problems


def _of(endpoint: Endpoint, typed: dict[str, Any], calls: Sequence[Seen]) -> dict[str, Any]:
    saved, now = saved_values(endpoint), now_ms()
    key, base = queries.key_of(endpoint), queries.public_base()
    altcha = endpoint.captcha.get("provider") == "altcha"
    values = _values(saved, typed) if "version" in typed else saved
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
        "values": values,
        "unsaved": "version" in typed and differs(saved, values),
        "version": typed.get("version") or endpoint.version,
        "choices": CHOICES,
        "ways": presets.WAYS,
        "chosen": "browser" if values.get("allow_all_ips") else "server",
        "listed": _listed(endpoint, calls),
        "unlisted": max(0, len(endpoint.allowed_ips) - _LISTED),
        "weighed": recent.WEIGHED,
        "at_limit": recent.refused_by_limit(endpoint, now),
        "first_body": try_it.BODY,
    }


def _values(saved: dict[str, Any], typed: dict[str, Any]) -> dict[str, Any]:
    """What was typed; who sent nothing of the folded sections left them as they are."""
    if "optional" in typed:
        return typed
    return {field: value for field, value in saved.items() if field not in ALWAYS_SENT} | typed


def _listed(endpoint: Endpoint, calls: Sequence[Seen]) -> list[dict[str, Any]]:
    """The first entries of the list with their notes, and when one of the newest calls came from each."""
    found = []
    for entry in endpoint.allowed_ips[:_LISTED]:
        block = AddressSet([entry])
        callers = ((each.row.forwarded_by or each.row.address, each.row.at) for each in calls)
        seen = next((at for address, at in callers if address is not None and address in block), None)
        found.append({"entry": entry, "note": endpoint.ip_notes.get(entry, ""), "seen": seen})
    return found


def _samples(request: HttpRequest, url: str, chosen: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The program that is open, and the tabs."""
    wanted = request.GET.get("sample", "")
    name = wanted if wanted in dict(SAMPLES) else "browser" if chosen == "browser" else "curl"
    program = samples.named(name)
    tabs = [{"name": each, "label": label, "here": each == name} for each, label in SAMPLES]
    return {"program": program, "text": samples.fill(program.text, url)}, tabs


def _unfolded(request: HttpRequest, problems: dict[str, list[str]], more: dict[str, Any]) -> dict[str, bool]:
    """Which folded sections are open: what a link asked for, what has something to correct, and what has a result."""
    wanted = request.GET.get("open", "")
    wrong = {"forwarding" if field == "server_ceiling" else field.partition("_")[0] for field in problems}
    results = {"try": "tried", "explain": "explained", "find": "finding"}
    return {section: section == wanted or section in wrong or results.get(section, "-") in more for section in FOLDED}
