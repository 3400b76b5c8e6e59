"""Help."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import help_pages

urlpatterns: list[URLPattern] = [
    path(f"{W}help/", help_pages.help_index, name="help"),
    path(f"{W}help/<path:name>/", help_pages.help_page, name="help_page"),
]
