"""The overview: the first page after the login."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import overview

urlpatterns: list[URLPattern] = [
    path(f"{W}overview/", overview.home, name="overview"),
]
