"""Leads: the list, and one lead."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import leads

urlpatterns: list[URLPattern] = [
    path(f"{W}leads/", leads.leads, name="leads"),
    path(f"{W}leads/<uuid:public_id>/", leads.lead, name="lead"),
    path(f"{W}leads/<uuid:public_id>/stage/", leads.lead_stage, name="lead_stage"),
    path(f"{W}leads/<uuid:public_id>/delete/", leads.lead_delete, name="lead_delete"),
]
