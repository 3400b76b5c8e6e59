"""Lead types and their stages."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import lead_types

urlpatterns: list[URLPattern] = [
    path(f"{W}lead-types/", lead_types.lead_types, name="lead_types"),
    path(f"{W}lead-types/add/", lead_types.lead_type_add, name="lead_type_add"),
    path(f"{W}lead-types/<int:pk>/rename/", lead_types.lead_type_rename, name="lead_type_rename"),
    path(f"{W}lead-types/<int:pk>/move/", lead_types.lead_type_move, name="lead_type_move"),
    path(f"{W}lead-types/<int:pk>/paint/", lead_types.lead_type_paint, name="lead_type_paint"),
    path(f"{W}lead-types/<int:pk>/aliases/add/", lead_types.alias_add, name="alias_add"),
    path(f"{W}lead-types/aliases/<int:pk>/remove/", lead_types.alias_remove, name="alias_remove"),
    path(f"{W}lead-types/unmatched/dismiss/", lead_types.unmatched_dismiss, name="unmatched_dismiss"),
    path(f"{W}lead-types/<int:pk>/archive/", lead_types.lead_type_archive, name="lead_type_archive"),
    path(f"{W}lead-types/<int:pk>/restore/", lead_types.lead_type_restore, name="lead_type_restore"),
    path(f"{W}lead-types/<int:pk>/stages/add/", lead_types.stage_add, name="stage_add"),
    path(f"{W}stages/<int:pk>/rename/", lead_types.stage_rename, name="stage_rename"),
    path(f"{W}stages/<int:pk>/move/", lead_types.stage_move, name="stage_move"),
    path(f"{W}stages/<int:pk>/paint/", lead_types.stage_paint, name="stage_paint"),
    path(f"{W}stages/<int:pk>/archive/", lead_types.stage_archive, name="stage_archive"),
    path(f"{W}stages/<int:pk>/restore/", lead_types.stage_restore, name="stage_restore"),
]
