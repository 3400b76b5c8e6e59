"""Integration → Stagewise API."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import alerts, api, api_tools

urlpatterns: list[URLPattern] = [
    path(f"{W}integration/api/", api.api, name="api"),
    path(f"{W}integration/api/add/", api.endpoint_add, name="endpoint_add"),
    path(f"{W}integration/api/<int:pk>/", api.endpoint, name="endpoint"),
    path(f"{W}integration/api/<int:pk>/preset/<str:way>/", api_tools.endpoint_preset, name="endpoint_preset"),
    path(f"{W}integration/api/<int:pk>/preview/", api_tools.endpoint_preview, name="endpoint_preview"),
    path(f"{W}integration/api/<int:pk>/explain/", api_tools.endpoint_explain, name="endpoint_explain"),
    path(f"{W}integration/api/<int:pk>/try/", api_tools.endpoint_try, name="endpoint_try"),
    path(f"{W}integration/api/<int:pk>/find/", api_tools.endpoint_find, name="endpoint_find"),
    path(f"{W}integration/api/<int:pk>/live/", api_tools.endpoint_live, name="endpoint_live"),
    path(f"{W}integration/api/<int:pk>/rename/", api.endpoint_rename, name="endpoint_rename"),
    path(f"{W}integration/api/<int:pk>/switch/", api.endpoint_switch, name="endpoint_switch"),
    path(f"{W}integration/api/<int:pk>/rotate/", api.endpoint_rotate, name="endpoint_rotate"),
    path(f"{W}integration/api/<int:pk>/forwarding/", api.endpoint_forwarding, name="endpoint_forwarding"),
    path(f"{W}integration/api/<int:pk>/take-back/", alerts.endpoint_take_back, name="endpoint_take_back"),
    path(f"{W}integration/api/<int:pk>/allow/", api.endpoint_allow, name="endpoint_allow"),
    path(f"{W}integration/api/<int:pk>/disallow/", api.endpoint_disallow, name="endpoint_disallow"),
]
