"""The console's pages."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import api, channels, held, help_pages, lead_types, leads, logs, settings, watching
from stagewise.console.views import home

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("setup/<str:token>/", home.setup, name="setup"),
    *leads.urlpatterns,
    *held.urlpatterns,
    *lead_types.urlpatterns,
    *api.urlpatterns,
    *channels.urlpatterns,
    *watching.urlpatterns,
    *logs.urlpatterns,
    *settings.urlpatterns,
    *help_pages.urlpatterns,
]
