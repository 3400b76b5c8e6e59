"""The people of a workspace, how they come in, and who changed what."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import audit, joining, team

urlpatterns: list[URLPattern] = [
    path(f"{W}settings/team/", team.team, name="team"),
    path(f"{W}settings/team/invite/", team.team_invite, name="team_invite"),
    path(f"{W}settings/team/link/", team.team_link, name="team_link"),
    path(f"{W}settings/team/invitations/<int:pk>/renew/", team.invitation_renew, name="invitation_renew"),
    path(f"{W}settings/team/invitations/<int:pk>/withdraw/", team.invitation_withdraw, name="invitation_withdraw"),
    path(f"{W}settings/team/invitations/<int:pk>/restore/", team.invitation_restore, name="invitation_restore"),
    path(f"{W}settings/team/<int:pk>/role/", team.member_role, name="member_role"),
    path(f"{W}settings/team/<int:pk>/deactivate/", team.member_deactivate, name="member_deactivate"),
    path(f"{W}settings/team/<int:pk>/reactivate/", team.member_reactivate, name="member_reactivate"),
    path(f"{W}leave/", team.workspace_leave, name="workspace_leave"),
    path(f"{W}settings/audit/", audit.audit, name="audit"),
    path(f"{W}settings/audit/<int:pk>/revert/", audit.audit_revert, name="audit_revert"),
    path("join/<str:token>/", joining.join, name="join"),
]
