"""One's own account, and a workspace of one's own."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.views import account, new_workspace

urlpatterns: list[URLPattern] = [
    path("account/", account.account, name="account"),
    path("account/sessions/end/", account.account_sessions_end, name="account_sessions_end"),
    path("workspaces/new/", new_workspace.workspace_new, name="workspace_new"),
]
