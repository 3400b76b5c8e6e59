"""One lead: its page, the work on it, and what becomes of it when it is deleted."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import lead_trash, lead_work, leads

_LEAD = f"{W}leads/<uuid:public_id>/"
_DELETED = f"{W}leads/deleted/"

urlpatterns: list[URLPattern] = [
    path(_LEAD, leads.lead, name="lead"),
    path(f"{_LEAD}stage/", leads.lead_stage, name="lead_stage"),
    path(f"{_LEAD}type/", leads.lead_type, name="lead_type"),
    path(f"{_LEAD}owner/", leads.lead_owner, name="lead_owner"),
    path(f"{_LEAD}edit/", leads.lead_edit, name="lead_edit"),
    path(f"{_LEAD}notes/", lead_work.note_add, name="lead_note"),
    path(f"{_LEAD}notes/<int:pk>/", lead_work.note_edit, name="lead_note_edit"),
    path(f"{_LEAD}notes/<int:pk>/delete/", lead_work.note_delete, name="lead_note_delete"),
    path(f"{_LEAD}notes/<int:pk>/restore/", lead_work.note_restore, name="lead_note_restore"),
    path(f"{_LEAD}seen/", lead_work.mentions_seen, name="lead_seen"),
    path(f"{_LEAD}tags/", lead_work.tag_add, name="lead_tag"),
    path(f"{_LEAD}tags/remove/", lead_work.tag_remove, name="lead_untag"),
    path(f"{_LEAD}tasks/", lead_work.task_add, name="lead_task"),
    path(f"{_LEAD}tasks/<int:pk>/done/", lead_work.task_done, name="lead_task_done"),
    path(f"{_LEAD}tasks/<int:pk>/day/", lead_work.task_postpone, name="lead_task_postpone"),
    path(f"{_LEAD}tasks/<int:pk>/remove/", lead_work.task_remove, name="lead_task_remove"),
    path(f"{_LEAD}merge/", lead_work.merge, name="lead_merge"),
    path(f"{_LEAD}delete/", lead_trash.lead_delete, name="lead_delete"),
    path(_DELETED, lead_trash.leads_deleted, name="leads_deleted"),
    path(f"{_DELETED}<uuid:public_id>/", lead_trash.lead_remove, name="lead_remove"),
    path(f"{_DELETED}<uuid:public_id>/restore/", lead_trash.lead_restore, name="lead_restore"),
]
