"""Tags for the list of leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from stagewise.console import bulk_words as words

if TYPE_CHECKING:
    from stagewise.leads.models import BulkChange

register = template.Library()


@register.simple_tag
def bulk_words(change: BulkChange) -> str:
    """What was done to many leads, or how far it is."""
    return words.done(change) if change.ended_at is not None else words.going_on(change)


@register.filter
def bulk_left(change: BulkChange) -> list[str]:
    """Why some of the leads stay as they are."""
    return [words.left(why, number) for why, number in change.refused.items()]
