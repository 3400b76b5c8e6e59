"""The board."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import board

urlpatterns: list[URLPattern] = [
    path(f"{W}board/", board.board, name="board"),
    path(f"{W}board/move/", board.board_move, name="board_move"),
]
