"""The audit in words: each entry as a sentence, each change as what it was and what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise
    from django.utils.safestring import SafeString

    from stagewise.accounts.models import AuditEntry

#: Kinds of entries as people choose among them (stagewise/accounts/audit_reading.py); the first is all but leads.
KINDS: Final[dict[str, _StrPromise]] = {
    "": _lazy("All settings"),
    "endpoints": _lazy("Endpoints"),
    "lead_types": _lazy("Lead types"),
    "channels": _lazy("Channels"),
    "team": _lazy("People"),
    "tokens": _lazy("API tokens"),
    "workspace": _lazy("Workspace"),
    "data": _lazy("Exports and imports"),
    "leads": _lazy("Work on leads"),
}

#: Action → sentence. {who} is a person, {what} what it was done to.
_SENTENCES: Final[dict[str, _StrPromise]] = {
    "workspace.created": _lazy("{who} made the workspace."),
    "workspace.saved": _lazy("{who} changed the settings of the workspace."),
    "retention.saved": _lazy("{who} changed how long things are kept."),
    "setup.redeemed": _lazy("{who} became the first owner."),
    "user.added": _lazy("{who} made {what} a member."),
    "user.changed": _lazy("{who} set role and password of {what}."),
    "member.joined": _lazy("{who} joined."),
    "member.role_changed": _lazy("{who} gave {what} another role."),
    "member.deactivated": _lazy("{who} deactivated {what}."),
    "member.reactivated": _lazy("{who} let {what} in again."),
    "invitation.made": _lazy("{who} invited {what}."),
    "invitation.renewed": _lazy("{who} invited {what} again."),
    "invitation.withdrawn": _lazy("{who} took back the invitation of {what}."),
    "invitation.restored": _lazy("{who} put the invitation of {what} back."),
    "token.made": _lazy("{who} made the API token {what}."),
    "token.revoked": _lazy("{who} revoked the API token {what}."),
    "token.restored": _lazy("{who} put the API token {what} back."),
    "endpoint.added": _lazy("{who} added the endpoint {what}."),
    "endpoint.saved": _lazy("{who} changed the endpoint {what}."),
    "endpoint.key_rotated": _lazy("{who} gave the endpoint {what} a new URL."),
    "endpoint.watch_saved": _lazy("{who} changed how the endpoint {what} is watched."),
    "alert.snoozed": _lazy("{who} snoozed the alert {what}."),
    "channel.added": _lazy("{who} added the channel {what}."),
    "channel.changed": _lazy("{who} changed the channel {what}."),
    "channel.secret_rotated": _lazy("{who} gave the channel {what} a new secret."),
    "channel.paused": _lazy("{who} paused the channel {what}."),
    "channel.resumed": _lazy("{who} resumed the channel {what}."),
    "channel.tested": _lazy("{who} sent a test event to the channel {what}."),
    "channel.removed": _lazy("{who} removed the channel {what}."),
    "delivery.resent": _lazy("{who} sent the delivery {what} again."),
    "deliveries.resent": _lazy("{who} sent deliveries of the channel {what} again."),
    "lead_type.added": _lazy("{who} added the lead type {what}."),
    "lead_type.renamed": _lazy("{who} renamed the lead type {what}."),
    "lead_type.moved": _lazy("{who} moved the lead type {what} in the order."),
    "lead_type.painted": _lazy("{who} gave the lead type {what} another colour."),
    "lead_type.archived": _lazy("{who} archived the lead type {what}."),
    "lead_type.restored": _lazy("{who} took the lead type {what} out of the archive."),
    "lead_type.keep_saved": _lazy("{who} changed how long leads of the type {what} are kept."),
    "lead_type.alias_added": _lazy("{who} gave the lead type {what} another name."),
    "lead_type.alias_removed": _lazy("{who} took another name from the lead type {what}."),
    "stage.added": _lazy("{who} added the stage {what}."),
    "stage.renamed": _lazy("{who} renamed the stage {what}."),
    "stage.moved": _lazy("{who} moved the stage {what} in the order."),
    "stage.painted": _lazy("{who} gave the stage {what} another colour."),
    "stage.archived": _lazy("{who} archived the stage {what}."),
    "stage.restored": _lazy("{who} took the stage {what} out of the archive."),
    "lead.added": _lazy("{who} added the lead {what} by hand."),
    "lead.changed": _lazy("{who} changed the lead {what}."),
    "lead.stage_changed": _lazy("{who} moved the lead {what} to another stage."),
    "lead.many_moved": _lazy("{who} moved {what}."),
    "lead.assigned": _lazy("{who} assigned the lead {what}."),
    "lead.tagged": _lazy("{who} changed the tags of the lead {what}."),
    "lead.noted": _lazy("{who} wrote a note on the lead {what}."),
    "lead.note_edited": _lazy("{who} edited a note on the lead {what}."),
    "lead.note_deleted": _lazy("{who} deleted a note on the lead {what}."),
    "lead.note_restored": _lazy("{who} put a note on the lead {what} back."),
    "lead.task": _lazy("{who} planned something for the lead {what}."),
    "lead.task_done": _lazy("{who} did what was planned for the lead {what}."),
    "lead.merged": _lazy("{who} merged another lead into {what}."),
    "lead.deleted": _lazy("{who} deleted the lead {what}."),
    "lead.restored": _lazy("{who} put the lead {what} back."),
    "lead.deleted_for_good": _lazy("{who} deleted the lead {what} for good."),
    "lead.worked_by_token": _lazy("{who} worked the lead {what} by an API token."),
    "view.saved": _lazy("{who} saved the view {what}."),
    "view.renamed": _lazy("{who} renamed the view {what}."),
    "view.deleted": _lazy("{who} deleted the view {what}."),
    "leads.exported": _lazy("{who} began to export leads: {what}"),
    "leads.export_ended": _lazy("The export of {who} ended: {what}"),
    "import.started": _lazy("{who} began to import leads: {what}"),
    "import.ended": _lazy("The import of {who} ended: {what}"),
    "import.stopped": _lazy("{who} stopped the import {what}."),
    "import.undone": _lazy("{who} took the import {what} back."),
    "leads.deleted_by_age": _lazy("{who} deleted old leads of the type {what}."),
    "held.released": _lazy("{who} released the held lead {what}."),
    "held.discarded": _lazy("{who} discarded held leads: {what}"),
    "held.restored": _lazy("{who} put discarded leads back: {what}"),
}

#: Field of a change → what people call it.
_FIELDS: Final[dict[str, _StrPromise]] = {
    "name": _lazy("Name"),
    "enabled": _lazy("Takes leads"),
    "allow_all_ips": _lazy("Allow from all IPs"),
    "allowed_ips": _lazy("Allowed IPs"),
    "ip_notes": _lazy("Notes on IPs"),
    "allowed_origins": _lazy("Allowed CORS origins"),
    "max_leads_per_ip": _lazy("Maximum leads per IP"),
    "forwarding": _lazy("Visitors' addresses from your server"),
    "server_ceiling": _lazy("Ceiling of a server"),
    "over_limit": _lazy("Leads over the limit"),
    "captcha.provider": _lazy("CAPTCHA: provider"),
    "captcha.site_key": _lazy("CAPTCHA: site key"),
    "captcha.secret": _lazy("CAPTCHA: secret key"),
    "captcha.min_score": _lazy("CAPTCHA: lowest score"),
    "captcha.hostnames": _lazy("CAPTCHA: host names"),
    "captcha.action": _lazy("CAPTCHA: action"),
    "captcha.if_failed": _lazy("CAPTCHA: when it fails"),
    "captcha.if_down": _lazy("CAPTCHA: when its provider is down"),
    "holding.honeypot": _lazy("Hold: honeypot"),
    "holding.min_seconds": _lazy("Hold: sent within seconds"),
    "holding.max_links": _lazy("Hold: more links than"),
    "holding.repeated": _lazy("Hold: the same message so often"),
    "holding.words": _lazy("Hold: words"),
    "holding.domains": _lazy("Hold: domains"),
    "form.enabled": _lazy("Hosted form"),
    "form.title": _lazy("Form: title"),
    "form.intro": _lazy("Form: text above"),
    "form.button": _lazy("Form: button"),
    "form.thanks": _lazy("Form: thanks"),
    "form.next_url": _lazy("Form: page afterwards"),
    "overlap_hours": _lazy("The old URL works for hours"),
    "canary_minutes": _lazy("Test lead every minutes"),
    "time_zone": _lazy("Time zone"),
    "default_region": _lazy("Country of phone numbers"),
    "attempts": _lazy("Days that calls are kept"),
    "deliveries": _lazy("Days that deliveries are kept"),
    "audit": _lazy("Days that this audit is kept"),
    "addresses": _lazy("Days that addresses are kept"),
    "keep_days": _lazy("Days that leads are kept"),
    "role": _lazy("Role"),
    "invited_by": _lazy("Invited by"),
    "scopes": _lazy("May do"),
    "days": _lazy("Ends after days"),
    "kind": _lazy("Kind"),
    "target": _lazy("Target"),
    "events": _lazy("Events"),
    "options": _lazy("Options"),
    "hue": _lazy("Colour"),
    "alias": _lazy("Other name"),
    "stage": _lazy("Stage"),
    "lead_type": _lazy("Lead type"),
    "owner": _lazy("Owner"),
    "tag": _lazy("Tag"),
    "count": _lazy("How many"),
    "merged": _lazy("Merged"),
    "leads": _lazy("Leads"),
    "complete": _lazy("Complete"),
    "rows": _lazy("Rows"),
    "created": _lazy("New leads"),
    "skipped": _lazy("Left out"),
    "bad": _lazy("Bad lines"),
    "email": _lazy("E-mail address"),
    "phone": _lazy("Phone"),
    "message": _lazy("Message"),
    "snoozed_until": _lazy("Quiet until"),
}
#: Values that are codes → what people call them.
_VALUES: Final[dict[str, _StrPromise]] = {
    "owner": _lazy("Owner"),
    "admin": _lazy("Admin"),
    "agent": _lazy("Agent"),
    "viewer": _lazy("Viewer"),
    "refuse": _lazy("refuse"),
    "hold": _lazy("hold"),
    "admit": _lazy("take"),
    "(hidden)": _lazy("hidden"),
}
_CODES: Final = ("role", "over_limit", "captcha.if_failed", "captcha.if_down", "captcha.secret")
#: Fields of which an empty value is a choice with a name of its own.
_EMPTY: Final[dict[str, _StrPromise]] = {
    "max_leads_per_ip": _lazy("no limit"),
    "server_ceiling": _lazy("no ceiling"),
    "keep_days": _lazy("for ever"),
    "audit": _lazy("for ever"),
    "captcha.provider": _lazy("off"),
}
#: So many items of a list are told one by one.
_TOLD: Final = 12


class Change(NamedTuple):
    """One field: what it was and is; of a list what went and came; empty where there was nothing before."""

    label: str
    old: str
    new: str
    #: Whether old and new are what was taken off a list and added to it.
    of_list: bool = False


def sentence(entry: AuditEntry, people: Mapping[str, str], leads: Mapping[str, str]) -> SafeString:
    """The entry as a sentence; ``people`` maps addresses to names, and ``leads`` ids, where they are still known."""
    known = _SENTENCES.get(entry.action, _lazy("{who}: {action} {what}"))
    return format_html(
        str(known), who=_bdi(person(entry.actor, people)), what=_bdi(_what(entry, people, leads)), action=entry.action
    )


def person(actor: str, people: Mapping[str, str]) -> str:
    """Who it was: a name where there is one, else the address; nobody is the command line, or the worker."""
    return (people.get(actor) or actor) if actor else "Stagewise"


def changes(entry: AuditEntry) -> list[Change]:
    """What the entry says was changed, in words."""
    return [_change(field, *pair) for field, pair in entry.changes.items() if pair != ["…", "…"]]


def label(field: str) -> str:
    """What people call a setting."""
    return str(_FIELDS.get(field, field))


def _what(entry: AuditEntry, people: Mapping[str, str], leads: Mapping[str, str]) -> str:
    if entry.action.startswith("invitation.") and not entry.subject:
        return _("somebody by a link")
    if entry.about_lead and len(entry.subject) == 36:
        return leads.get(entry.subject) or entry.subject[:8]
    if entry.action.startswith(("member.", "user.", "invitation.")):
        return people.get(entry.subject) or entry.subject
    return f"“{entry.subject}”"


def _bdi(text: str) -> SafeString:
    return format_html("<bdi>{}</bdi>", text)


def _change(field: str, old: Any, new: Any) -> Change:
    if isinstance(old, list | None) and isinstance(new, list | None) and (old or new):
        went = [each for each in old or [] if each not in (new or [])]
        came = [each for each in new or [] if each not in (old or [])]
        if (went or came) and old is not None:
            return Change(label(field), _listed(went), _listed(came), of_list=True)
    before = "" if old is None and field not in _EMPTY else _value(field, old)
    return Change(label(field), before, _value(field, new))


def _listed(values: list[Any]) -> str:
    told = ", ".join(str(value) for value in values[:_TOLD])
    more = len(values) - _TOLD
    return told if more <= 0 else told + " " + ngettext("and %d more", "and %d more", more) % more


def _value(field: str, value: Any) -> str:
    if value is None or value in ("", [], {}):
        return str(_EMPTY.get(field, _("none")))
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, list):
        return _listed(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_plain(each)}" for key, each in value.items())
    return str(_VALUES[value]) if field in _CODES and value in _VALUES else str(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
