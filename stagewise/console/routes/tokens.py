"""API tokens."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import tokens

urlpatterns: list[URLPattern] = [
    path(f"{W}settings/tokens/", tokens.tokens, name="tokens"),
    path(f"{W}settings/tokens/<int:pk>/revoke/", tokens.token_revoke, name="token_revoke"),
    path(f"{W}settings/tokens/<int:pk>/restore/", tokens.token_restore, name="token_restore"),
]
