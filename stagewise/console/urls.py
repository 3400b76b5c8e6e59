"""The console's pages. Each route of a workspace names it by its slug."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.views import api, home, lead_types, leads, logs, workspace

W = "w/<slug:slug>/"

urlpatterns: list[URLPattern] = [
    path("", home.home, name="home"),
    path("setup/<str:token>/", home.setup, name="setup"),
    path(f"{W}leads/", leads.leads, name="leads"),
    path(f"{W}leads/<uuid:public_id>/", leads.lead, name="lead"),
    path(f"{W}leads/<uuid:public_id>/stage/", leads.lead_stage, name="lead_stage"),
    path(f"{W}leads/<uuid:public_id>/delete/", leads.lead_delete, name="lead_delete"),
    path(f"{W}lead-types/", lead_types.lead_types, name="lead_types"),
    path(f"{W}lead-types/add/", lead_types.lead_type_add, name="lead_type_add"),
    path(f"{W}lead-types/<int:pk>/rename/", lead_types.lead_type_rename, name="lead_type_rename"),
    path(f"{W}lead-types/<int:pk>/move/", lead_types.lead_type_move, name="lead_type_move"),
    path(f"{W}lead-types/<int:pk>/archive/", lead_types.lead_type_archive, name="lead_type_archive"),
    path(f"{W}lead-types/<int:pk>/restore/", lead_types.lead_type_restore, name="lead_type_restore"),
    path(f"{W}lead-types/<int:pk>/stages/add/", lead_types.stage_add, name="stage_add"),
    path(f"{W}stages/<int:pk>/rename/", lead_types.stage_rename, name="stage_rename"),
    path(f"{W}stages/<int:pk>/move/", lead_types.stage_move, name="stage_move"),
    path(f"{W}stages/<int:pk>/archive/", lead_types.stage_archive, name="stage_archive"),
    path(f"{W}stages/<int:pk>/restore/", lead_types.stage_restore, name="stage_restore"),
    path(f"{W}integration/api/", api.api, name="api"),
    path(f"{W}integration/api/add/", api.endpoint_add, name="endpoint_add"),
    path(f"{W}integration/api/<int:pk>/", api.endpoint, name="endpoint"),
    path(f"{W}integration/api/<int:pk>/rename/", api.endpoint_rename, name="endpoint_rename"),
    path(f"{W}integration/api/<int:pk>/switch/", api.endpoint_switch, name="endpoint_switch"),
    path(f"{W}integration/api/<int:pk>/rotate/", api.endpoint_rotate, name="endpoint_rotate"),
    path(f"{W}integration/api/<int:pk>/allow/", api.endpoint_allow, name="endpoint_allow"),
    path(f"{W}integration/api/<int:pk>/disallow/", api.endpoint_disallow, name="endpoint_disallow"),
    path(f"{W}logs/", logs.logs, name="logs"),
    path(f"{W}settings/", workspace.workspace, name="workspace"),
]
