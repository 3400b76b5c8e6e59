"""The workspace and its people."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import workspace

urlpatterns: list[URLPattern] = [
    path(f"{W}settings/", workspace.workspace, name="workspace"),
]
