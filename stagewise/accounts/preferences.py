"""How a member wants pages to be: small values by name in ``Member.prefs``."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from stagewise.accounts.models import Member


def keep(member: Member, name: str, value: Any) -> None:
    """Keep a value, in place of the one before; None forgets it. What JSON can hold."""
    with transaction.atomic():
        found = Member.objects.select_for_update(of=("self",)).get(pk=member.pk)
        kept = {**found.prefs, name: value}
        found.prefs = {each: what for each, what in kept.items() if what is not None}
        found.save(update_fields=["prefs"])
    member.prefs = found.prefs
