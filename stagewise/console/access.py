"""The one way to an object: through the seat of the person who asks.

A view states what it needs with :func:`page`; it is handed a :class:`Seat` and finds leads, endpoints, channels
and all else with the functions below. Who has no seat in a workspace gets 404, as if there were nothing.
"""

from __future__ import annotations

import functools
import zoneinfo
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from stagewise.accounts.models import Member, Role, User, Workspace
from stagewise.console import errors
from stagewise.endpoints.models import Endpoint
from stagewise.leads import queries as leads
from stagewise.leads.models import Lead, LeadType, Stage
from stagewise.notify.models import Alert, Channel, Delivery

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

P = ParamSpec("P")

#: From least to most.
_ORDER = [Role.VIEWER, Role.AGENT, Role.ADMIN, Role.OWNER]


class Seat:
    """A person's place in a workspace."""

    def __init__(self, user: User, member: Member) -> None:
        self.user = user
        self.member = member
        self.workspace: Workspace = member.workspace

    def may(self, least: str) -> bool:
        """Whether the member's role is ``least`` or more."""
        return _ORDER.index(Role(self.member.role)) >= _ORDER.index(Role(least))

    @property
    def works_leads(self) -> bool:
        """Whether this person may change leads."""
        return self.may(Role.AGENT)

    @property
    def runs_settings(self) -> bool:
        """Whether this person may change endpoints and lead types."""
        return self.may(Role.ADMIN)

    @property
    def owns_installation(self) -> bool:
        """Whether this person sees what concerns all workspaces: an owner of the one that was there first."""
        first = Workspace.objects.order_by("id").values_list("id", flat=True).first()
        return self.may(Role.OWNER) and self.workspace.pk == first

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        """The time zone that this workspace's pages show times in."""
        try:
            return zoneinfo.ZoneInfo(self.workspace.time_zone)
        except (ValueError, zoneinfo.ZoneInfoNotFoundError):
            return zoneinfo.ZoneInfo("UTC")


class View(Protocol):
    """A view with its needs written on it, as tests read them."""

    least: dict[str, Role]

    def __call__(self, request: HttpRequest, slug: str, **kwargs: object) -> HttpResponse:
        """Answer the request."""


def page(
    *, read: Role | None = None, write: Role | None = None
) -> Callable[[Callable[Concatenate[HttpRequest, Seat, P], HttpResponse]], View]:
    """Declare a view of a workspace: the least role that may GET it, and the least that may POST to it.

    Without one of the two that method is refused (405). Nobody goes to the login page, a stranger gets 404, a member
    whose role is too small 403 with the name of the role that it takes.
    """
    least = {method: role for method, role in {"GET": read, "POST": write}.items() if role is not None}

    def declare(view: Callable[Concatenate[HttpRequest, Seat, P], HttpResponse]) -> View:
        @functools.wraps(view)
        def guarded(request: HttpRequest, slug: str, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            user = request.user
            if not isinstance(user, User):
                return redirect_to_login(request.get_full_path() if request.method == "GET" else "/")
            seat = seat_for(user, slug)
            role = least.get("GET" if request.method == "HEAD" else request.method or "")
            if role is None:
                return errors.not_allowed(request, sorted(least))
            if not seat.may(role):
                return errors.role_too_small(request, seat.member.get_role_display(), role.label)
            return view(request, seat, *args, **kwargs)

        guarded.least = least  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare


def seat_for(user: User, slug: str) -> Seat:
    """The user's seat in the workspace of this slug; 404 for strangers and for workspaces that do not exist."""
    member = Member.objects.select_related("workspace").filter(user=user, workspace__slug=slug).first()
    if member is None:
        raise Http404
    return Seat(user, member)


def seats_of(user: User) -> list[Member]:
    """All memberships of a user, with their workspaces, the oldest first."""
    return list(Member.objects.select_related("workspace").filter(user=user).order_by("id"))


def lead_for(seat: Seat, public_id: uuid.UUID) -> Lead:
    """A lead of the seat's workspace, else 404."""
    try:
        return leads.get(seat.workspace, public_id)
    except Lead.DoesNotExist:
        raise Http404 from None


def lead_type_for(seat: Seat, pk: int) -> LeadType:
    """A lead type of the seat's workspace, archived or not, else 404."""
    found = LeadType.objects.filter(workspace=seat.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def stage_for(seat: Seat, pk: int) -> Stage:
    """A stage of the seat's workspace, archived or not, else 404."""
    found = Stage.objects.select_related("lead_type").filter(workspace=seat.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def endpoint_for(seat: Seat, pk: int) -> Endpoint:
    """An endpoint of the seat's workspace, else 404."""
    found = Endpoint.objects.filter(workspace=seat.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def channel_for(seat: Seat, pk: int) -> Channel:
    """A channel of the seat's workspace, else 404."""
    found = Channel.objects.filter(workspace=seat.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found


def delivery_for(seat: Seat, pk: int) -> Delivery:
    """A delivery of the seat's workspace with its channel, else 404."""
    found = Delivery.objects.select_related("channel").filter(workspace_id=seat.workspace.pk, pk=pk).first()
    if found is None:
        raise Http404
    return found


def alert_for(seat: Seat, pk: int) -> Alert:
    """An alert of the seat's workspace with its endpoint, else 404."""
    found = Alert.objects.select_related("endpoint").filter(workspace=seat.workspace, pk=pk).first()
    if found is None:
        raise Http404
    return found
