"""Held leads."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import held

urlpatterns: list[URLPattern] = [
    path(f"{W}leads/held/", held.held, name="held"),
    path(f"{W}leads/held/release/", held.held_release, name="held_release"),
    path(f"{W}leads/held/discard/", held.held_discard, name="held_discard"),
    path(f"{W}leads/held/restore/", held.held_restore, name="held_restore"),
]
