"""Logs, and what mends a refusal from there."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import logs, mending

urlpatterns: list[URLPattern] = [
    path(f"{W}logs/", logs.logs, name="logs"),
    path(f"{W}logs/calls.<str:kind>", logs.logs_export, name="logs_export"),
    path(f"{W}logs/mend/limit/<int:pk>/", mending.mend_limit, name="mend_limit"),
    path(f"{W}logs/mend/lead-type/", mending.mend_lead_type, name="mend_lead_type"),
    path(f"{W}logs/mend/lead-type/<int:pk>/undo/", mending.mend_lead_type_undo, name="mend_lead_type_undo"),
]
