"""What a person says about themselves: name, time zone, language."""

from __future__ import annotations

import zoneinfo
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from stagewise.accounts import names
from stagewise.accounts.errors import ActionError

if TYPE_CHECKING:
    from stagewise.accounts.models import User, Workspace


def save(user: User, name: str, time_zone: str, language: str) -> User:
    """Save a person's settings; raises :class:`ActionError` that names each that cannot be used.

    ``time_zone`` is an IANA name (empty: the one of the workspace), ``language`` a code of ``settings.LANGUAGES``
    (empty: what the browser asks for).
    """
    values = {"name": name, "time_zone": time_zone.strip(), "language": language.strip()}
    problems: dict[str, list[str]] = {}
    try:
        values["name"] = names.of_person(name)
    except ValueError as error:
        problems["name"] = [str(error)]
    if values["time_zone"] and values["time_zone"] not in zoneinfo.available_timezones():
        problems["time_zone"] = [_("There is no such time zone; they look like Europe/Berlin.")]
    if values["language"] and values["language"] not in dict(settings.LANGUAGES):
        problems["language"] = [_("The console does not speak this language.")]
    if problems:
        raise ActionError(problems)
    for field, value in values.items():
        setattr(user, field, value)
    user.save(update_fields=list(values))
    return user


def zone_of(user: User, workspace: Workspace | None = None) -> zoneinfo.ZoneInfo:
    """The zone that times are shown in: the person's own, else the workspace's, else UTC."""
    for name in filter(None, (user.time_zone, "" if workspace is None else workspace.time_zone)):
        try:
            return zoneinfo.ZoneInfo(name)
        except (ValueError, zoneinfo.ZoneInfoNotFoundError):
            continue
    return zoneinfo.ZoneInfo("UTC")
