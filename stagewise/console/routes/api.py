"""Integration → Stagewise API."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import alerts, api

urlpatterns: list[URLPattern] = [
    path(f"{W}integration/api/", api.api, name="api"),
    path(f"{W}integration/api/add/", api.endpoint_add, name="endpoint_add"),
    path(f"{W}integration/api/<int:pk>/", api.endpoint, name="endpoint"),
    path(f"{W}integration/api/<int:pk>/rename/", api.endpoint_rename, name="endpoint_rename"),
    path(f"{W}integration/api/<int:pk>/switch/", api.endpoint_switch, name="endpoint_switch"),
    path(f"{W}integration/api/<int:pk>/rotate/", api.endpoint_rotate, name="endpoint_rotate"),
    path(f"{W}integration/api/<int:pk>/forwarding/", api.endpoint_forwarding, name="endpoint_forwarding"),
    path(f"{W}integration/api/<int:pk>/take-back/", alerts.endpoint_take_back, name="endpoint_take_back"),
    path(f"{W}integration/api/<int:pk>/allow/", api.endpoint_allow, name="endpoint_allow"),
    path(f"{W}integration/api/<int:pk>/disallow/", api.endpoint_disallow, name="endpoint_disallow"),
]
