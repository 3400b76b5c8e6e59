"""The audit in words: each entry as a sentence, each change as what it was and what it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.utils.functional import _StrPromise
    from django.utils.safestring import SafeString

    from stagewise.accounts.models import AuditEntry

#: Kinds of entries as people choose among them (stagewise/accounts/audit_reading.py); the first is all but leads.
KINDS: Final[dict[str, _StrPromise]] = {
    "": gettext_lazy("All settings"),
    "endpoints": gettext_lazy("Endpoints"),
    "lead_types": gettext_lazy("Lead types"),
    "channels": gettext_lazy("Channels"),
    "team": gettext_lazy("People"),
    "tokens": gettext_lazy("API tokens"),
    "workspace": gettext_lazy("Workspace"),
    "data": gettext_lazy("Exports and imports"),
    "leads": gettext_lazy("Work on leads"),
}

#: Action → sentence. {who} is a person, {what} what it was done to.
_SENTENCES: Final[dict[str, _StrPromise]] = {
    "workspace.created": gettext_lazy("{who} made the workspace."),
    "workspace.saved": gettext_lazy("{who} changed the settings of the workspace."),
    "retention.saved": gettext_lazy("{who} changed how long things are kept."),
    "setup.redeemed": gettext_lazy("{who} became the first owner."),
    "user.added": gettext_lazy("{who} made {what} a member."),
    "user.changed": gettext_lazy("{who} set role and password of {what}."),
    "member.joined": gettext_lazy("{who} joined."),
    "member.role_changed": gettext_lazy("{who} gave {what} another role."),
    "member.deactivated": gettext_lazy("{who} deactivated {what}."),
    "member.reactivated": gettext_lazy("{who} let {what} in again."),
    "invitation.made": gettext_lazy("{who} invited {what}."),
    "invitation.renewed": gettext_lazy("{who} invited {what} again."),
    "invitation.withdrawn": gettext_lazy("{who} took back the invitation of {what}."),
    "invitation.restored": gettext_lazy("{who} put the invitation of {what} back."),
    "token.made": gettext_lazy("{who} made the API token {what}."),
    "token.revoked": gettext_lazy("{who} revoked the API token {what}."),
    "token.restored": gettext_lazy("{who} put the API token {what} back."),
    "endpoint.added": gettext_lazy("{who} added the endpoint {what}."),
    "endpoint.saved": gettext_lazy("{who} changed the endpoint {what}."),
    "endpoint.key_rotated": gettext_lazy("{who} gave the endpoint {what} a new URL."),
    "endpoint.watch_saved": gettext_lazy("{who} changed how the endpoint {what} is watched."),
    "alert.snoozed": gettext_lazy("{who} snoozed the alert {what}."),
    "channel.added": gettext_lazy("{who} added the channel {what}."),
    "channel.changed": gettext_lazy("{who} changed the channel {what}."),
    "channel.secret_rotated": gettext_lazy("{who} gave the channel {what} a new secret."),
    "channel.paused": gettext_lazy("{who} paused the channel {what}."),
    "channel.resumed": gettext_lazy("{who} resumed the channel {what}."),
    "channel.tested": gettext_lazy("{who} sent a test event to the channel {what}."),
    "channel.removed": gettext_lazy("{who} removed the channel {what}."),
    "delivery.resent": gettext_lazy("{who} sent the delivery {what} again."),
    "deliveries.resent": gettext_lazy("{who} sent deliveries of the channel {what} again."),
    "lead_type.added": gettext_lazy("{who} added the lead type {what}."),
    "lead_type.renamed": gettext_lazy("{who} renamed the lead type {what}."),
    "lead_type.moved": gettext_lazy("{who} moved the lead type {what} in the order."),
    "lead_type.painted": gettext_lazy("{who} gave the lead type {what} another colour."),
    "lead_type.archived": gettext_lazy("{who} archived the lead type {what}."),
    "lead_type.restored": gettext_lazy("{who} took the lead type {what} out of the archive."),
    "lead_type.keep_saved": gettext_lazy("{who} changed how long leads of the type {what} are kept."),
    "lead_type.alias_added": gettext_lazy("{who} gave the lead type {what} another name."),
    "lead_type.alias_removed": gettext_lazy("{who} took another name from the lead type {what}."),
    "stage.added": gettext_lazy("{who} added the stage {what}."),
    "stage.renamed": gettext_lazy("{who} renamed the stage {what}."),
    "stage.moved": gettext_lazy("{who} moved the stage {what} in the order."),
    "stage.painted": gettext_lazy("{who} gave the stage {what} another colour."),
    "stage.archived": gettext_lazy("{who} archived the stage {what}."),
    "stage.restored": gettext_lazy("{who} took the stage {what} out of the archive."),
    "lead.added": gettext_lazy("{who} added the lead {what} by hand."),
    "lead.changed": gettext_lazy("{who} changed the lead {what}."),
    "lead.stage_changed": gettext_lazy("{who} moved the lead {what} to another stage."),
    "lead.many_moved": gettext_lazy("{who} moved {what}."),
    "lead.assigned": gettext_lazy("{who} assigned the lead {what}."),
    "lead.tagged": gettext_lazy("{who} changed the tags of the lead {what}."),
    "lead.noted": gettext_lazy("{who} wrote a note on the lead {what}."),
    "lead.note_edited": gettext_lazy("{who} edited a note on the lead {what}."),
    "lead.note_deleted": gettext_lazy("{who} deleted a note on the lead {what}."),
    "lead.note_restored": gettext_lazy("{who} put a note on the lead {what} back."),
    "lead.task": gettext_lazy("{who} planned something for the lead {what}."),
    "lead.task_done": gettext_lazy("{who} did what was planned for the lead {what}."),
    "lead.merged": gettext_lazy("{who} merged another lead into {what}."),
    "lead.deleted": gettext_lazy("{who} deleted the lead {what}."),
    "lead.restored": gettext_lazy("{who} put the lead {what} back."),
    "lead.deleted_for_good": gettext_lazy("{who} deleted the lead {what} for good."),
    "lead.worked_by_token": gettext_lazy("{who} worked the lead {what} by an API token."),
    "view.saved": gettext_lazy("{who} saved the view {what}."),
    "view.renamed": gettext_lazy("{who} renamed the view {what}."),
    "view.deleted": gettext_lazy("{who} deleted the view {what}."),
    "leads.exported": gettext_lazy("{who} began to export leads: {what}"),
    "leads.export_ended": gettext_lazy("The export of {who} ended: {what}"),
    "import.started": gettext_lazy("{who} began to import leads: {what}"),
    "import.ended": gettext_lazy("The import of {who} ended: {what}"),
    "import.stopped": gettext_lazy("{who} stopped the import {what}."),
    "import.undone": gettext_lazy("{who} took the import {what} back."),
    "leads.deleted_by_age": gettext_lazy("{who} deleted old leads of the type {what}."),
    "held.released": gettext_lazy("{who} released the held lead {what}."),
    "held.discarded": gettext_lazy("{who} discarded held leads: {what}"),
    "held.restored": gettext_lazy("{who} put discarded leads back: {what}"),
}

#: Field of a change → what people call it.
_FIELDS: Final[dict[str, _StrPromise]] = {
    "name": gettext_lazy("Name"),
    "enabled": gettext_lazy("Takes leads"),
    "allow_all_ips": gettext_lazy("Allow from all IPs"),
    "allowed_ips": gettext_lazy("Allowed IPs"),
    "ip_notes": gettext_lazy("Notes on IPs"),
    "allowed_origins": gettext_lazy("Allowed CORS origins"),
    "max_leads_per_ip": gettext_lazy("Maximum leads per IP"),
    "forwarding": gettext_lazy("Visitors' addresses from your server"),
    "server_ceiling": gettext_lazy("Ceiling of a server"),
    "over_limit": gettext_lazy("Leads over the limit"),
    "captcha.provider": gettext_lazy("CAPTCHA: provider"),
    "captcha.site_key": gettext_lazy("CAPTCHA: site key"),
    "captcha.secret": gettext_lazy("CAPTCHA: secret key"),
    "captcha.min_score": gettext_lazy("CAPTCHA: lowest score"),
    "captcha.hostnames": gettext_lazy("CAPTCHA: host names"),
    "captcha.action": gettext_lazy("CAPTCHA: action"),
    "captcha.if_failed": gettext_lazy("CAPTCHA: when it fails"),
    "captcha.if_down": gettext_lazy("CAPTCHA: when its provider is down"),
    "holding.honeypot": gettext_lazy("Hold: honeypot"),
    "holding.min_seconds": gettext_lazy("Hold: sent within seconds"),
    "holding.max_links": gettext_lazy("Hold: more links than"),
    "holding.repeated": gettext_lazy("Hold: the same message so often"),
    "holding.words": gettext_lazy("Hold: words"),
    "holding.domains": gettext_lazy("Hold: domains"),
    "form.enabled": gettext_lazy("Hosted form"),
    "form.title": gettext_lazy("Form: title"),
    "form.intro": gettext_lazy("Form: text above"),
    "form.button": gettext_lazy("Form: button"),
    "form.thanks": gettext_lazy("Form: thanks"),
    "form.next_url": gettext_lazy("Form: page afterwards"),
    "overlap_hours": gettext_lazy("The old URL works for hours"),
    "canary_minutes": gettext_lazy("Test lead every minutes"),
    "time_zone": gettext_lazy("Time zone"),
    "default_region": gettext_lazy("Country of phone numbers"),
    "attempts": gettext_lazy("Days that calls are kept"),
    "deliveries": gettext_lazy("Days that deliveries are kept"),
    "audit": gettext_lazy("Days that this audit is kept"),
    "addresses": gettext_lazy("Days that addresses are kept"),
    "keep_days": gettext_lazy("Days that leads are kept"),
    "role": gettext_lazy("Role"),
    "invited_by": gettext_lazy("Invited by"),
    "scopes": gettext_lazy("May do"),
    "days": gettext_lazy("Ends after days"),
    "kind": gettext_lazy("Kind"),
    "target": gettext_lazy("Target"),
    "events": gettext_lazy("Events"),
    "options": gettext_lazy("Options"),
    "hue": gettext_lazy("Colour"),
    "alias": gettext_lazy("Other name"),
    "stage": gettext_lazy("Stage"),
    "lead_type": gettext_lazy("Lead type"),
    "owner": gettext_lazy("Owner"),
    "tag": gettext_lazy("Tag"),
    "count": gettext_lazy("How many"),
    "merged": gettext_lazy("Merged"),
    "leads": gettext_lazy("Leads"),
    "complete": gettext_lazy("Complete"),
    "rows": gettext_lazy("Rows"),
    "created": gettext_lazy("New leads"),
    "skipped": gettext_lazy("Left out"),
    "bad": gettext_lazy("Bad lines"),
    "email": gettext_lazy("E-mail address"),
    "phone": gettext_lazy("Phone"),
    "message": gettext_lazy("Message"),
    "snoozed_until": gettext_lazy("Quiet until"),
}
#: Values that are codes → what people call them.
_VALUES: Final[dict[str, _StrPromise]] = {
    "owner": gettext_lazy("Owner"),
    "admin": gettext_lazy("Admin"),
    "agent": gettext_lazy("Agent"),
    "viewer": gettext_lazy("Viewer"),
    "refuse": gettext_lazy("refuse"),
    "hold": gettext_lazy("hold"),
    "admit": gettext_lazy("take"),
    "(hidden)": gettext_lazy("hidden"),
}
_CODES: Final = ("role", "over_limit", "captcha.if_failed", "captcha.if_down", "captcha.secret")
#: Fields of which an empty value is a choice with a name of its own.
_EMPTY: Final[dict[str, _StrPromise]] = {
    "max_leads_per_ip": gettext_lazy("no limit"),
    "server_ceiling": gettext_lazy("no ceiling"),
    "keep_days": gettext_lazy("for ever"),
    "audit": gettext_lazy("for ever"),
    "captcha.provider": gettext_lazy("off"),
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
    known = _SENTENCES.get(entry.action, gettext_lazy("{who}: {action} {what}"))
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
