"""How the console looks to a person."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.views import account_look

urlpatterns: list[URLPattern] = [
    path("account/theme/", account_look.account_theme, name="account_theme"),
]
