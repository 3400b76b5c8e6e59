"""One mail that tells of many leads: what it says of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stagewise.notify import linked, outbox
from stagewise.notify.channels.email import gathering, views
from stagewise.notify.channels.email.views import Item, Link, View
from stagewise.notify.models import Delivery, Mail, MailState
from stagewise.notify.payloads import payloads

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace
    from stagewise.notify.models import MailDigest

#: So many are named one by one. Mailboxes refuse mails that are too large, so of a flood the rest is a number.
MOST_ITEMS = 2_000
_PAGE = 500

_WHAT = {
    outbox.CREATED: "",
    outbox.UPDATED: "changed",
    outbox.STAGE_CHANGED: "moved to another stage",
    outbox.ASSIGNED: "assigned",
    outbox.DELETED: "deleted",
}


def view(workspace: Workspace, digest: MailDigest) -> View | None:
    """What the digest says, of leads as they are now; None when nothing is in it (any more)."""
    mails = Mail.objects.filter(digest=digest, workspace_id=workspace.pk, state=MailState.GATHERED)
    ids = list(mails.order_by("delivery_id").values_list("delivery_id", flat=True))
    if not ids:
        return None
    created = Delivery.objects.filter(mails__in=mails, kind=outbox.CREATED).count()
    what = _counted(created, "new lead") if created == len(ids) else _counted(len(ids), "message")
    left = len(ids) - MOST_ITEMS
    more = (
        f" The first {MOST_ITEMS:,} of them are named here; {_counted(left, 'more')} are in Stagewise."
        if left > 0
        else ""
    )
    limit = f"More than {gathering.BEFORE_DIGEST} mails within {gathering.WITHIN_MS // 60_000} minutes"
    why = f"{limit} would have gone to you, so those that followed come in one."
    return View(
        subject=views.subject(f"{what} in {workspace.name}"),
        kicker=f"Digest · {workspace.name}",
        title=what,
        intro=(f"{why}{more}",),
        button=Link("Open your leads", linked.url("leads", workspace.slug)),
        items=tuple(_items(workspace, ids[:MOST_ITEMS])),
    )


def _items(workspace: Workspace, ids: list[int]) -> list[Item]:
    found: list[Item] = []
    for start in range(0, len(ids), _PAGE):
        rows = list(Delivery.objects.filter(id__in=ids[start : start + _PAGE]).order_by("id"))
        found += [_item(workspace, row.kind, each) for row, each in zip(rows, payloads(rows), strict=True)]
    return found


def _item(workspace: Workspace, kind: str, payload: dict[str, Any]) -> Item:
    data = payload["data"]
    at = views.brief(workspace, payload["timestamp"])
    if data.get("deleted"):
        return Item("A lead that has been deleted", f"{at}, id {data.get('id') or 'unknown'}")
    facts = (data["lead_type"]["name"], data["phone"], _WHAT.get(kind, ""), at)
    title = views.fact(data["name"])
    return Item(title, ", ".join(filter(None, facts)), Link(title, views.lead_url(workspace, data["id"])))


def _counted(number: int, what: str) -> str:
    plural = "" if number == 1 or what == "more" else "s"
    return f"{number:,} {what}{plural}"
