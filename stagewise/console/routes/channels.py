"""Channels and their deliveries."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import channels, deliveries

urlpatterns: list[URLPattern] = [
    path(f"{W}channels/", channels.listed, name="channels"),
    path(f"{W}channels/resume/", channels.channels_resume, name="channels_resume"),
    path(f"{W}channels/add/<str:kind>/", channels.channel_add, name="channel_add"),
    path(f"{W}channels/<int:pk>/", channels.channel, name="channel"),
    path(f"{W}channels/<int:pk>/edit/", channels.channel_edit, name="channel_edit"),
    path(f"{W}channels/<int:pk>/test/", channels.channel_test, name="channel_test"),
    path(f"{W}channels/<int:pk>/pause/", channels.channel_pause, name="channel_pause"),
    path(f"{W}channels/<int:pk>/rotate/", channels.channel_rotate, name="channel_rotate"),
    path(f"{W}channels/<int:pk>/resend/", deliveries.channel_resend, name="channel_resend"),
    path(f"{W}channels/<int:pk>/remove/", channels.channel_remove, name="channel_remove"),
    path(f"{W}channels/deliveries/<int:pk>/", deliveries.delivery, name="delivery"),
    path(f"{W}channels/deliveries/<int:pk>/resend/", deliveries.delivery_resend, name="delivery_resend"),
]
