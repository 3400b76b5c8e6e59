"""Logs."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import logs

urlpatterns: list[URLPattern] = [
    path(f"{W}logs/", logs.logs, name="logs"),
]
