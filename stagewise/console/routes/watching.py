"""Monitoring and alerts."""

from __future__ import annotations

from django.urls import URLPattern, path

from stagewise.console.routes import W
from stagewise.console.views import alerts, monitoring

urlpatterns: list[URLPattern] = [
    path(f"{W}monitoring/", monitoring.monitor, name="monitoring"),
    path(f"{W}alerts/", alerts.alerts, name="alerts"),
    path(f"{W}alerts/<int:pk>/snooze/", alerts.alert_snooze, name="alert_snooze"),
    path(f"{W}alerts/<int:pk>/revert/", alerts.alert_revert, name="alert_revert"),
    path(f"{W}alerts/endpoints/<int:pk>/", alerts.watch, name="watch"),
]
