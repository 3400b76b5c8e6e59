"""The one way to an object: through the seat of the person who asks.

A view states what it needs with :func:`page`; it is handed a :class:`Seat` and finds leads, endpoints, channels
and all else with the functions below. Who has no seat in a workspace gets 404, as if there were nothing.
"""

from __future__ import annotations

import functools
import zoneinfo
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Protocol, TypeVar

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse

from stagewise.accounts import members, profile
from stagewise.accounts.models import ApiToken, AuditEntry, Invitation, Member, Role, User, Workspace
from stagewise.console import errors
from stagewise.endpoints.models import Endpoint
from stagewise.leads import queries as leads
from stagewise.leads.models import (
    BulkChange,
    DeletedLead,
    Lead,
    LeadImport,
    LeadNote,
    LeadTask,
    LeadType,
    LeadTypeAlias,
    SavedView,
    Stage,
    Tag,
)
from stagewise.notify.models import Alert, Channel, Delivery

if TYPE_CHECKING:
    import uuid
    from collections.abc import Callable

    from django.db.models import Model, QuerySet

P = ParamSpec("P")
M = TypeVar("M", bound="Model")


class Seat:
    """A person's place in a workspace."""

    def __init__(self, user: User, member: Member) -> None:
        self.user = user
        self.member = member
        self.workspace: Workspace = member.workspace

    def may(self, least: str) -> bool:
        """Whether the member's role is ``least`` or more."""
        return members.at_least(self.member.role, least)

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
        """The time zone that pages show times in: the person's own, else the workspace's."""
        return profile.zone_of(self.user, self.workspace)


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
            members.see(seat.member)
            return view(request, seat, *args, **kwargs)

        guarded.least = least  # type: ignore[attr-defined]
        return guarded  # type: ignore[return-value]

    return declare


def seat_for(user: User, slug: str) -> Seat:
    """The user's seat in the workspace of this slug; 404 for strangers and for workspaces that do not exist.

    Who was deactivated is a stranger from the next request on.
    """
    member = members.active_seat(user, slug)
    if member is None:
        raise Http404
    member.user = user
    return Seat(user, member)


def seats_of(user: User) -> list[Member]:
    """All memberships in which a user is active, with their workspaces, the oldest first."""
    return members.active_seats(user)


def _mine(rows: QuerySet[M], seat: Seat, **which: Any) -> M:
    """The row of the seat's workspace that is meant, else 404."""
    found = rows.filter(workspace_id=seat.workspace.pk, **which).first()
    if found is None:
        raise Http404
    return found


def member_for(seat: Seat, pk: int) -> Member:
    """Somebody of the seat's workspace, active or not, else 404."""
    return _mine(Member.objects.select_related("user", "workspace"), seat, pk=pk)


def invitation_for(seat: Seat, pk: int) -> Invitation:
    """An invitation into the seat's workspace, else 404."""
    return _mine(Invitation.objects.select_related("workspace"), seat, pk=pk)


def audit_entry_for(seat: Seat, pk: int) -> AuditEntry:
    """An audit entry of the seat's workspace, else 404."""
    return _mine(AuditEntry.objects.all(), seat, pk=pk)


def lead_for(seat: Seat, public_id: uuid.UUID) -> Lead:
    """A lead of the seat's workspace, else 404."""
    try:
        return leads.get(seat.workspace, public_id)
    except Lead.DoesNotExist:
        raise Http404 from None


def deleted_lead_for(seat: Seat, public_id: uuid.UUID) -> DeletedLead:
    """A lead of the seat's workspace that was deleted and can be put back, else 404."""
    return _mine(DeletedLead.objects.all(), seat, public_id=public_id)


def note_for(seat: Seat, lead: Lead, pk: int) -> LeadNote:
    """A note on a lead of the seat's workspace, deleted ones too, else 404."""
    return _mine(LeadNote.everything.all(), seat, lead=lead, pk=pk)


def task_for(seat: Seat, lead: Lead, pk: int) -> LeadTask:
    """A follow-up of a lead of the seat's workspace, else 404."""
    return _mine(LeadTask.objects.all(), seat, lead=lead, pk=pk)


def tag_for(seat: Seat, pk: int) -> Tag:
    """A tag of the seat's workspace, else 404."""
    return _mine(Tag.objects.all(), seat, pk=pk)


def lead_type_for(seat: Seat, pk: int) -> LeadType:
    """A lead type of the seat's workspace, archived or not, else 404."""
    return _mine(LeadType.objects.all(), seat, pk=pk)


def stage_for(seat: Seat, pk: int) -> Stage:
    """A stage of the seat's workspace, archived or not, else 404."""
    return _mine(Stage.objects.select_related("lead_type"), seat, pk=pk)


def alias_for(seat: Seat, pk: int) -> LeadTypeAlias:
    """Another name of a lead type of the seat's workspace, else 404."""
    return _mine(LeadTypeAlias.objects.select_related("lead_type"), seat, pk=pk)


def endpoint_for(seat: Seat, pk: int) -> Endpoint:
    """An endpoint of the seat's workspace, else 404."""
    return _mine(Endpoint.objects.all(), seat, pk=pk)


def channel_for(seat: Seat, pk: int) -> Channel:
    """A channel of the seat's workspace, else 404."""
    return _mine(Channel.objects.all(), seat, pk=pk)


def delivery_for(seat: Seat, pk: int) -> Delivery:
    """A delivery of the seat's workspace with its channel, else 404."""
    return _mine(Delivery.objects.select_related("channel"), seat, pk=pk)


def alert_for(seat: Seat, pk: int) -> Alert:
    """An alert of the seat's workspace with its endpoint, else 404."""
    return _mine(Alert.objects.select_related("endpoint"), seat, pk=pk)


def token_for(seat: Seat, pk: int) -> ApiToken:
    """An API token of the seat's workspace, whoever's it is, else 404."""
    return _mine(ApiToken.objects.select_related("member__user"), seat, pk=pk)


def view_for(seat: Seat, pk: int) -> SavedView:
    """A saved view that the member sees: their own, or everybody's in the workspace; else 404."""
    found = _mine(SavedView.objects.all(), seat, pk=pk)
    if found.member_id not in {None, seat.member.pk}:
        raise Http404
    return found


def bulk_for(seat: Seat, pk: int) -> BulkChange:
    """Something that was done to many leads of the seat's workspace, else 404."""
    return _mine(BulkChange.objects.select_related("workspace", "member__user"), seat, pk=pk)


def import_for(seat: Seat, pk: int) -> LeadImport:
    """A file of leads that was handed in here, else 404."""
    return _mine(LeadImport.objects.select_related("workspace"), seat, pk=pk)
