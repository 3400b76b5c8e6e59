"""Ways of looking at the leads that are kept under a name: one's own, and those of everybody in the workspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.db import transaction
from django.db.models import Q
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from stagewise.accounts import audit, names
from stagewise.accounts.errors import ActionError
from stagewise.leads.models import SavedView

if TYPE_CHECKING:
    from stagewise.accounts.models import Member
    from stagewise.leads.finding import Filters

#: Characters of a name; and so many a person may have, and a workspace share.
LONGEST: Final = 60
MOST: Final = 30


def views_for(member: Member) -> list[SavedView]:
    """The member's own and those of everybody, in their order."""
    found = SavedView.objects.filter(workspace=member.workspace_id)
    return list(found.filter(Q(member=member) | Q(member=None)).order_by("position", "pk"))


def save(member: Member, name: str, filters: Filters, *, shared: bool = False) -> SavedView:
    """Keep the filters under a name, as the member's own or for everybody. Raises :class:`ActionError`.

    A view of that name that is there already shows these leads from now on.
    """
    name = _clean(name)
    query = urlencode(filters.to_query())
    if not query:
        raise ActionError({"name": [_("Choose a filter first: without one it would be the list of all leads.")]})
    with transaction.atomic():
        known = list(SavedView.objects.select_for_update().filter(workspace=member.workspace_id))
        same = [each for each in known if each.member_id == (None if shared else member.pk)]
        found = next((each for each in same if each.name.lower() == name.lower()), None)
        if found is None and len(same) >= MOST:
            raise ActionError({"name": [_("There are %d views already. Delete one first.") % MOST]})
        if found is None:
            last = max((each.position for each in known), default=-1)
            owner = None if shared else member
            found = SavedView(workspace=member.workspace, member=owner, position=last + 1)
        found.name, found.query = name, query
        found.save()
        if shared:
            audit.record(member.workspace, member.user.email, "view.saved", name)
    return found


def rename(view: SavedView, name: str, actor: str) -> SavedView:
    """Give it another name. Raises :class:`ActionError`."""
    name = _clean(name)
    with transaction.atomic():
        before, view.name = view.name, name
        view.save(update_fields=["name"])
        if view.member_id is None:
            audit.record(view.workspace, actor, "view.renamed", name, {"name": [before, name]})
    return view


def delete(view: SavedView, actor: str) -> None:
    """Forget it; the leads stay."""
    with transaction.atomic():
        if view.member_id is None:
            audit.record(view.workspace, actor, "view.deleted", view.name)
        view.delete()


def move(member: Member, view: SavedView, by: int) -> None:
    """Move it by so many places among those that the member sees."""
    with transaction.atomic():
        shown = views_for(member)
        at = next((place for place, each in enumerate(shown) if each.pk == view.pk), None)
        if at is None:
            return
        shown.insert(min(max(at + by, 0), len(shown) - 1), shown.pop(at))
        for place, each in enumerate(shown):
            if each.position != place:
                SavedView.objects.filter(pk=each.pk).update(position=place)


def _clean(name: str) -> str:
    try:
        return names.clean(name, LONGEST)
    except ValueError as error:
        raise ActionError({"name": [str(error)]}) from None
