"""API tokens: what programs show to read and work leads in a member's name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts import tokens as actions
from stagewise.accounts.caller import address_of
from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Role
from stagewise.accounts.tokens import LEAD_TYPES_READ, LEADS_READ, LEADS_WRITE, SCOPES
from stagewise.console import errors, toasts
from stagewise.console.access import Seat, page, token_for
from stagewise.console.context import show

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse
    from django.utils.functional import _StrPromise

    from stagewise.accounts.models import ApiToken
    from stagewise.accounts.tokens import Made

#: What a token may do, in words: on the form, and in the list.
_WORDS: Final[dict[str, tuple[_StrPromise, _StrPromise]]] = {
    LEADS_READ: (gettext_lazy("Read leads and notes"), gettext_lazy("reads leads")),
    LEADS_WRITE: (gettext_lazy("Change stage, owner and tags, write notes"), gettext_lazy("works leads")),
    LEAD_TYPES_READ: (gettext_lazy("Read lead types and stages"), gettext_lazy("reads lead types")),
}
#: How long a token may live, in days; empty: until it is revoked.
_LIVES: Final[dict[str, _StrPromise]] = {
    "30": gettext_lazy("30 days"),
    "90": gettext_lazy("90 days"),
    "365": gettext_lazy("A year"),
    "": gettext_lazy("Until it is revoked"),
}
_USUAL_LIFE: Final = "365"
#: A token whose end is nearer than this is marked.
_SOON_MS: Final = 14 * 86_400_000


@page(read=Role.VIEWER, write=Role.VIEWER)
def tokens(request: HttpRequest, seat: Seat) -> HttpResponse:
    """The member's tokens (an admin sees everybody's), and making one; it is shown in the answer, and never again."""
    usual: dict[str, Any] = {"name": "", "scopes": [LEADS_READ], "days": _USUAL_LIFE}
    values = usual
    problems: dict[str, list[str]] = {}
    made: Made | None = None
    if request.method == "POST":
        values = {name: request.POST.get(name, "") for name in ("name", "days")}
        values["scopes"] = request.POST.getlist("scopes")
        try:
            made = _make(request, seat, values)
        except ActionError as error:
            problems = error.problems
    return _show(request, seat, usual if made else values, problems, made)


@page(write=Role.VIEWER)
def token_revoke(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """End a token; Undo puts it back."""
    found = token_for(seat, pk)
    if not _is_theirs(seat, found):
        return errors.role_too_small(request, seat.member.get_role_display(), Role.ADMIN.label)
    actions.revoke(found, seat.user.email, address_of(request))
    undo = reverse("token_restore", args=[seat.workspace.slug, pk])
    toasts.say(request, _("“%s” is revoked: its next call is refused.") % found.name, undo=undo)
    return redirect("tokens", slug=seat.workspace.slug)


@page(write=Role.VIEWER)
def token_restore(request: HttpRequest, seat: Seat, pk: int) -> HttpResponse:
    """Take a revocation back, for a few minutes."""
    found = token_for(seat, pk)
    if not _is_theirs(seat, found):
        return errors.role_too_small(request, seat.member.get_role_display(), Role.ADMIN.label)
    try:
        actions.restore(found, seat.user.email, address_of(request))
    except ActionError as error:
        toasts.refuse(request, error)
    else:
        toasts.say(request, _("“%s” works again.") % found.name)
    return redirect("tokens", slug=seat.workspace.slug)


def _is_theirs(seat: Seat, token: ApiToken) -> bool:
    return token.member_id == seat.member.pk or seat.runs_settings


def _make(request: HttpRequest, seat: Seat, values: dict[str, Any]) -> Made:
    if values["days"] not in _LIVES:
        raise ActionError({"days": [_("Choose one of these.")]})
    days = int(values["days"]) if values["days"] else None
    return actions.make(seat.member, values["name"], values["scopes"], days, seat.user.email, address_of(request))


def _show(
    request: HttpRequest, seat: Seat, values: dict[str, Any], problems: dict[str, list[str]], made: Made | None
) -> HttpResponse:
    found, now = actions.listed(seat.workspace, None if seat.runs_settings else seat.member), now_ms()
    allowed = [scope for scope, least in SCOPES.items() if seat.may(least)]
    boxes = [(scope, _WORDS[scope][0], scope in values["scopes"]) for scope in allowed]
    return show(
        request,
        seat,
        "tokens.html",
        "tokens",
        status=422 if problems else 200,
        working=[_row(token, now) for token in found.working],
        ended=[_row(token, now) for token in found.ended],
        values=values,
        problems=problems,
        boxes=boxes,
        lives=_LIVES.items(),
        made=made,
        base=f"{settings.CONSOLE_URL}/api/v1",
    )


def _row(token: ApiToken, now: int) -> dict[str, Any]:
    """A token with how it stands: its scopes in words, its state, and when that changes."""
    inactive = token.member.deactivated_at is not None or not token.member.user.is_active
    return {
        "token": token,
        "may": ", ".join(str(_WORDS[scope][1]) for scope in token.scopes if scope in _WORDS),
        "inactive": inactive,
        "ends_soon": token.expires_at is not None and now < token.expires_at < now + _SOON_MS,
    }
