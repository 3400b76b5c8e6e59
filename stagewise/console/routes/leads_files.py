"""Leads as files: handed out, and taken in."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import leads_export, leads_import

urlpatterns: list[URLPattern] = [
    path(f"{W}leads/export/", leads_export.leads_export, name="leads_export"),
    path(f"{W}leads/import/", leads_import.leads_import, name="leads_import"),
    path(f"{W}leads/import/<int:pk>/", leads_import.lead_import, name="lead_import"),
    path(f"{W}leads/import/<int:pk>/stop/", leads_import.lead_import_stop, name="lead_import_stop"),
    path(f"{W}leads/import/<int:pk>/undo/", leads_import.lead_import_undo, name="lead_import_undo"),
    path(f"{W}leads/import/<int:pk>/discard/", leads_import.lead_import_discard, name="lead_import_discard"),
    path(f"{W}leads/import/<int:pk>/left-out.csv", leads_import.lead_import_report, name="lead_import_report"),
]
