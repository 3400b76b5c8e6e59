"""The console's pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import (
    account,
    account_look,
    api,
    board,
    channels,
    held,
    help_pages,
    lead,
    lead_types,
    leads,
    leads_files,
    logs,
    overview,
    settings,
    team,
    tokens,
    watching,
)
from stagewise.console.views import home

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("setup/<str:token>/", home.setup, name="setup"),
    *account.urlpatterns,
    *account_look.urlpatterns,
    *overview.urlpatterns,
    *leads.urlpatterns,
    *leads_files.urlpatterns,
    *lead.urlpatterns,
    *held.urlpatterns,
    *board.urlpatterns,
    *lead_types.urlpatterns,
    *api.urlpatterns,
    *channels.urlpatterns,
    *watching.urlpatterns,
    *logs.urlpatterns,
    *settings.urlpatterns,
    *team.urlpatterns,
    *tokens.urlpatterns,
    *help_pages.urlpatterns,
]
