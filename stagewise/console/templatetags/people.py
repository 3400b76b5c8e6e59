"""Tags for the pages by which people come in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

from stagewise.accounts import workspaces

if TYPE_CHECKING:
    from collections.abc import Mapping

register = template.Library()


@register.simple_tag
def sign_up_is_open() -> bool:
    """Whether anybody may make an account here."""
    return workspaces.sign_up_is_open()


@register.filter
def as_json(value: Mapping[str, Any]) -> str:
    """For an attribute that a script reads: ``data-options="{{ js_data|as_json }}"``."""
    return json.dumps(value, cls=DjangoJSONEncoder)
