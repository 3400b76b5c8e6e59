"""What helps to set an endpoint up: nothing here changes it.

Each is a button of the page and works without script, too: then it is the whole page that comes back, with everything
that was typed. With script only the part that was asked for comes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from stagewise.accounts.models import Role
from stagewise.console import api_live, find_server, presets, try_it
from stagewise.console.access import Seat, endpoint_for, page
from stagewise.console.api_page import shown, unsaved, weighed
from stagewise.console.rules_form import RulesForm
from stagewise.console.views.leads import number
from stagewise.core import addresses
from stagewise.endpoints import recent
from stagewise.endpoints.explain import Question, explain

if TYPE_CHECKING:
    from django.http import HttpRequest

    from stagewise.endpoints.models import Endpoint


@page(write=Role.ADMIN)
def endpoint_preset(request: HttpRequest, seat: Seat, pk: int, way: str) -> HttpResponse:
    """Set the fields for one of the two ways of calling; nothing is saved."""
    found = endpoint_for(seat, pk)
    if way not in {each.name for each in presets.WAYS}:
        raise Http404
    typed, said = presets.applied(way, request.POST.dict())
    typed.setdefault("version", "")
    more = weighed(found, RulesForm(typed))
    return shown(request, seat, found, typed=typed, said=said, **more)


@page(write=Role.ADMIN)
def endpoint_preview(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """What the settings in the form would change, weighed with the newest calls; nothing is saved."""
    found = endpoint_for(seat, pk)
    more = weighed(found, RulesForm(request.POST))
    if _wants_part(request):
        return _part(request, seat, found, "_api_changes.html", **more)
    return shown(request, seat, found, typed={"version": "", **request.POST.dict()}, **more)


@page(write=Role.VIEWER)
def endpoint_explain(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """What the endpoint would say to a call, step by step; nothing is sent and nothing stored."""
    found = endpoint_for(seat, pk)
    more, problems = _explained(request, seat, found)
    status = 422 if problems else 200
    if _wants_part(request):
        return _part(request, seat, found, "_api_explained.html", status, problems=problems, **more)
    # Who may not change settings sends none, and sees the saved ones.
    typed = {name: text for name, text in request.POST.items() if seat.runs_settings or name.startswith("explain_")}
    return shown(request, seat, found, typed=typed, problems=problems, status=status, **{"explained": None, **more})


@page(write=Role.ADMIN)
def endpoint_try(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Send a test lead through the public URL, and show what was said."""
    found = endpoint_for(seat, pk)
    call = try_it.Call(
        request.POST.get("try_body", "").replace("\r\n", "\n"),
        request.POST.get("try_origin", "").strip(),
        request.POST.get("try_as") == "allowed",
    )
    tried = try_it.try_it(found, call)
    row = api_live.dressed(seat, found, [tried.seen])[0] if tried.seen else None
    more: dict[str, Any] = {"tried": tried, "tried_row": row}
    if _wants_part(request):
        return _part(request, seat, found, "_api_tried.html", **more)
    return shown(request, seat, found, typed=request.POST.dict(), **more)


@page(write=Role.ADMIN)
def endpoint_find(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Begin to look for the address of the website's server: a new line to run there."""
    found = endpoint_for(seat, pk)
    find_server.begin(request, found)
    if _wants_part(request):
        return _part(request, seat, found, "_api_found.html", search=find_server.current(request, found))
    return shown(request, seat, found, typed=request.POST.dict(), finding=True)


@page(read=Role.VIEWER)
def endpoint_live(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """The calls that came after the one with the row id ``after``, and what they tick; 204 where there is none."""
    found = endpoint_for(seat, pk)
    after = number(request.GET.get("after"))
    if after is not None and not recent.has_newer(found, after):
        return HttpResponse(status=204)
    calls = recent.newest(found, api_live.SHOWN)
    return _part(request, seat, found, "_api_live.html", **api_live.live(request, seat, found, calls, after or 0))


def _wants_part(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"


def _part(
    request: HttpRequest, seat: Seat, found: Endpoint, template: str, status: int = 200, **context: Any
) -> HttpResponse:
    frame = {"seat": seat, "workspace": seat.workspace, "endpoint": found}
    return render(request, template, {**frame, **context}, status=status)


def _explained(request: HttpRequest, seat: Seat, found: Endpoint) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The explanation, or the problems of what was typed."""
    address = addresses.hop_address(request.POST.get("explain_address", "").strip())
    problems: dict[str, list[str]] = {}
    if address is None:
        problems["explain_address"] = [_("This is no IP address, such as 203.0.113.7.")]
    by_typed = request.POST.get("explain_by") == "typed" and seat.runs_settings
    endpoint, wrong = unsaved(found, RulesForm(request.POST)) if by_typed else (found, {})
    if wrong:
        problems["explain_by"] = [_("The settings above cannot be used as they are: see the entries that are marked.")]
        problems |= wrong
    if problems or address is None:
        return {}, problems
    question = Question(
        address,
        request.POST.get("explain_origin", "").strip() or None,
        request.POST.get("explain_body", "").encode("utf-8", "replace"),
        _visitor(request),
    )
    return {"explained": explain(endpoint, question), "by_typed": by_typed}, {}


def _visitor(request: HttpRequest) -> str | None:
    """``Stagewise-Visitor-IP`` as the lane reads it; None where nothing was typed."""
    typed = request.POST.get("explain_visitor", "").strip()
    return (addresses.hop_address(typed) or "") if typed else None
