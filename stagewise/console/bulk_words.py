"""Changes of many leads in words: what is going on, and what was done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from stagewise.console.numbers import count
from stagewise.leads.models import BulkKind

if TYPE_CHECKING:
    from stagewise.leads.models import BulkChange


def done(change: BulkChange) -> str:
    """What was done to how many leads."""
    number = change.changed if change.undone_at is None else change.total or 0
    said = {"count": count(number), "label": change.label}
    if change.undone_at is not None:
        return ngettext("%(count)s lead is as it was.", "%(count)s leads are as they were.", number) % said
    if change.kind == BulkKind.ASSIGN and change.value is None:
        return ngettext("%(count)s lead belongs to nobody.", "%(count)s leads belong to nobody.", number) % said
    return _done_to(change, number) % said


def _done_to(change: BulkChange, number: int) -> str:
    match change.kind:
        case BulkKind.ASSIGN:
            return ngettext("%(count)s lead is now with %(label)s.", "%(count)s leads are now with %(label)s.", number)
        case BulkKind.STAGE:
            return ngettext("%(count)s lead is now in “%(label)s”.", "%(count)s leads are now in “%(label)s”.", number)
        case BulkKind.TAG:
            return ngettext("%(count)s lead tagged “%(label)s”.", "%(count)s leads tagged “%(label)s”.", number)
        case BulkKind.UNTAG:
            return ngettext("“%(label)s” taken from %(count)s lead.", "“%(label)s” taken from %(count)s leads.", number)
    return ngettext("%(count)s lead deleted.", "%(count)s leads deleted.", number)


def going_on(change: BulkChange) -> str:
    """What is being done, and how far it is."""
    if change.total:
        far = _("%(done)s of %(all)s leads so far.") % {"done": count(change.handled), "all": count(change.total)}
    else:
        far = ngettext("%s lead so far.", "%s leads so far.", change.handled) % count(change.handled)
    return f"{_what(change)} {far}"


def _what(change: BulkChange) -> str:
    if change.undone_at is not None:
        return _("Being taken back …")
    match change.kind:
        case BulkKind.ASSIGN:
            return _("Being given to %s …") % (change.label or _("nobody"))
        case BulkKind.STAGE:
            return _("Being moved to “%s” …") % change.label
        case BulkKind.TAG:
            return _("Being tagged “%s” …") % change.label
        case BulkKind.UNTAG:
            return _("“%s” is being taken away …") % change.label
    return _("Being deleted …")


def left(why: str, number: int) -> str:
    """Why some stay as they are."""
    texts = ("%(count)s lead stays as it is: %(why)s", "%(count)s leads stay as they are: %(why)s")
    return ngettext(*texts, number) % {"count": count(number), "why": why}
