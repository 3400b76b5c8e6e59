"""Leads: the list."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import lead_add, leads_list, leads_many

urlpatterns: list[URLPattern] = [
    path(f"{W}leads/", leads_list.leads, name="leads"),
    path(f"{W}leads/add/", lead_add.lead_add, name="lead_add"),
    path(f"{W}leads/columns/", leads_list.lead_columns, name="lead_columns"),
    path(f"{W}leads/views/", leads_list.lead_view_save, name="lead_view_save"),
    path(f"{W}leads/views/<int:pk>/", leads_list.lead_view, name="lead_view"),
    path(f"{W}leads/many/", leads_many.leads_bulk, name="leads_bulk"),
    path(f"{W}leads/many/<int:pk>/", leads_many.leads_bulk_state, name="leads_bulk_state"),
    path(f"{W}leads/many/<int:pk>/undo/", leads_many.leads_bulk_undo, name="leads_bulk_undo"),
]
