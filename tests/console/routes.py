"""Every route of the console, and what its tests need to know of it. A new route without an entry fails them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from stagewise.accounts import tokens
from stagewise.accounts.models import ApiToken, AuditEntry, Invitation, Member, Role
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.leads import aliases, bulk, notes, tags, tasks, working
from stagewise.leads.importing import acts
from stagewise.leads.models import (
    BulkChange,
    BulkKind,
    DeletedLead,
    LeadImport,
    LeadNote,
    LeadTask,
    LeadTypeAlias,
    SavedView,
    UnmatchedName,
)
from stagewise.notify.models import Alert, Channel, Delivery
from tests.support import cast
from tests.support.cast import Place

OWNER, ADMIN, AGENT, VIEWER = Role.OWNER, Role.ADMIN, Role.AGENT, Role.VIEWER


@dataclass(frozen=True)
class Route:
    """A route of a workspace: its arguments, the least role for each method, and a body that its POST does act on."""

    arguments: Callable[[Place], dict[str, Any]]
    read: Role | None = None
    write: Role | None = None
    body: Callable[[Place], dict[str, Any]] = field(default=lambda _: {})
    #: The same in every workspace: its arguments are no ids of anything.
    shared: bool = False
    #: What a POST that is let in answers: it sends on, but for what shows something and changes nothing.
    answers: int = 302


def _none(_: Place) -> dict[str, Any]:
    return {}


def _lead(place: Place) -> dict[str, Any]:
    return {"public_id": place.lead.public_id}


def _note(place: Place) -> dict[str, Any]:
    writer = place.workspace.members.select_related("user").order_by("id")[0]
    found = LeadNote.everything.filter(lead=place.lead).first()
    return {**_lead(place), "pk": (found or notes.add_note(place.lead, writer, "Called")).pk}


def _task(place: Place) -> dict[str, Any]:
    found = LeadTask.objects.filter(lead=place.lead).first()
    return {**_lead(place), "pk": (found or tasks.add_task(place.lead, None, "Call", 1_900_000_000_000)).pk}


def _tag(place: Place) -> dict[str, Any]:
    return {"taken": tags.tag(place.lead, "Urgent").pk}


def _tagged(place: Place) -> dict[str, Any]:
    _tag(place)
    return _lead(place)


def _other(place: Place) -> dict[str, Any]:
    found = place.workspace.leads.exclude(pk=place.lead.pk).first() or cast.lead(place)
    return {"other": str(found.public_id)}


def _of_two(place: Place) -> dict[str, Any]:
    _other(place)
    return _lead(place)


def _deleted(place: Place) -> dict[str, Any]:
    found = DeletedLead.objects.filter(workspace=place.workspace).first() or working.delete_lead(cast.lead(place))
    assert found is not None
    return {"public_id": found.public_id}


def _view(place: Place) -> dict[str, Any]:
    known = SavedView.objects.filter(workspace=place.workspace).first()
    made = known or SavedView.objects.create(workspace=place.workspace, name="Mine", query="owner=me")
    return {"pk": made.pk}


def _bulk(place: Place) -> dict[str, Any]:
    found = BulkChange.objects.filter(workspace=place.workspace).first()
    if found is None:
        member = Member.objects.filter(workspace=place.workspace)[0]
        found = bulk.go_on(bulk.begin(member, BulkKind.DELETE, ids=[place.lead.pk + 1_000]), 1)
    return {"pk": found.pk}


def _type(place: Place) -> dict[str, Any]:
    return {"pk": place.types[1].pk}


def _archived_type(place: Place) -> dict[str, Any]:
    return {"pk": place.types[2].pk}


def _stage(place: Place) -> dict[str, Any]:
    return {"pk": place.types[1].stages.get(name="Contacted").pk}


def _endpoint(place: Place) -> dict[str, Any]:
    return {"pk": place.endpoint.pk}


def _held(place: Place) -> dict[str, Any]:
    return {"held": place.held.public_id}


def _channel(place: Place) -> dict[str, Any]:
    return {"pk": (Channel.objects.filter(workspace=place.workspace).first() or cast.channel(place)).pk}


def _delivery(place: Place) -> dict[str, Any]:
    found = Delivery.objects.filter(workspace_id=place.workspace.pk).first()
    return {"pk": (found or cast.delivery(Channel.objects.get(**_channel(place)))).pk}


def _alert(place: Place) -> dict[str, Any]:
    return {"pk": (Alert.objects.filter(workspace=place.workspace).first() or cast.alert(place)).pk}


def _alias(place: Place) -> dict[str, Any]:
    there = LeadTypeAlias.objects.filter(workspace=place.workspace).first()
    return {"pk": (there or aliases.add_alias(place.types[0], "Other")).pk}


def _member(place: Place) -> dict[str, Any]:
    """Somebody who is no owner: all that may change anybody may change them."""
    found = Member.objects.filter(workspace=place.workspace, role="viewer").first()
    return {"pk": (found or Member.objects.filter(workspace=place.workspace)[0]).pk}


def _invitation(place: Place) -> dict[str, Any]:
    found = Invitation.objects.filter(workspace=place.workspace).first()
    return {"pk": (found or cast.invitation(place)).pk}


def _saved(place: Place) -> dict[str, Any]:
    """The audit entry of a saved change of the endpoint."""
    entries = AuditEntry.objects.filter(workspace=place.workspace, action="endpoint.saved")
    if not entries.exists():
        save_rules(place.endpoint, RuleChanges(allow_all_ips=True))
    return {"pk": entries[0].pk}


def _unmatched(place: Place) -> dict[str, Any]:
    """Which name is said in the body; here it comes to be, before anybody is tried."""
    UnmatchedName.objects.get_or_create(
        workspace_id=place.workspace.pk, name_key="odd", defaults={"name": "Odd", "count": 1, "last_at": 1}
    )
    return {}


def _token(place: Place) -> dict[str, Any]:
    """A token of the place's owner."""
    there = ApiToken.objects.filter(workspace=place.workspace).first()
    owner = place.workspace.members.filter(role=OWNER).first() or place.workspace.members.all()[0]
    return {"pk": (there or tokens.make(owner, "Robot", [tokens.LEADS_READ], None).token).pk}


def _file() -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", b"name,phone,email\nAda,+49 30 901820,ada@example.org\n")


def _import(place: Place) -> dict[str, Any]:
    there = LeadImport.objects.filter(workspace=place.workspace).first()
    made = there or acts.upload(place.workspace, "people.csv", _file().chunks(), "", settings.OURS.data_dir)
    return {"pk": made.pk}


_LEAD_BODY = {"name": "Ada", "phone": "+44 20 7946 0958", "email": "ada@example.com"}
_CHANNEL_BODY = {"name": "Team", "target": "team@example.com", "events": "lead.created", "acknowledge_per_hour": "30"}

#: Routes of a workspace, by name.
OF_A_WORKSPACE: dict[str, Route] = {
    "overview": Route(_none, read=VIEWER),
    "leads": Route(_none, read=VIEWER),
    "lead_add": Route(_none, read=AGENT, write=AGENT, body=lambda _: _LEAD_BODY),
    "lead_columns": Route(_none, write=VIEWER, body=lambda _: {"column": "email"}),
    "lead_view_save": Route(_none, write=VIEWER, body=lambda _: {"name": "Mine", "back": "owner=me"}),
    "lead_view": Route(_view, write=VIEWER, body=lambda _: {"name": "Ours"}),
    "leads_bulk": Route(_none, write=AGENT, body=lambda place: {"lead": place.lead.public_id, "stage": "Won"}),
    "leads_bulk_state": Route(_bulk, read=AGENT),
    "leads_bulk_undo": Route(_bulk, write=AGENT),
    "lead": Route(_lead, read=VIEWER),
    "lead_stage": Route(_lead, write=AGENT, body=lambda place: {"stage": place.types[0].stages.get(name="Won").pk}),
    "lead_type": Route(_lead, write=AGENT, body=lambda place: {"lead_type": place.types[1].pk}),
    "lead_owner": Route(_lead, write=AGENT, body=lambda place: {"owner": place.workspace.members.all()[0].pk}),
    "lead_edit": Route(_lead, write=AGENT, body=lambda _: {"name": "Rear Admiral"}),
    "lead_note": Route(_lead, write=AGENT, body=lambda _: {"text": "Called"}),
    "lead_note_edit": Route(_note, write=AGENT, body=lambda _: {"text": "Called twice"}),
    "lead_note_delete": Route(_note, write=AGENT),
    "lead_note_restore": Route(_note, write=AGENT),
    "lead_seen": Route(_lead, write=VIEWER),
    "lead_tag": Route(_lead, write=AGENT, body=lambda _: {"tag": "VIP"}),
    "lead_untag": Route(_tagged, write=AGENT, body=_tag),
    "lead_task": Route(_lead, write=AGENT, body=lambda _: {"when": "tomorrow"}),
    "lead_task_done": Route(_task, write=AGENT),
    "lead_task_postpone": Route(_task, write=AGENT, body=lambda _: {"when": "week"}),
    "lead_task_remove": Route(_task, write=AGENT),
    "lead_merge": Route(_of_two, write=AGENT, body=_other),
    "lead_delete": Route(_lead, write=AGENT),
    "leads_deleted": Route(_none, read=VIEWER),
    "lead_remove": Route(_deleted, read=AGENT, write=AGENT),
    "lead_restore": Route(_deleted, write=AGENT),
    "leads_export": Route(_none, read=AGENT, write=AGENT, answers=200),
    "leads_import": Route(_none, read=AGENT, write=AGENT, body=lambda _: {"file": _file()}),
    "lead_import": Route(_import, read=AGENT, write=AGENT, body=lambda _: {"tag": "Fair"}),
    "lead_import_stop": Route(_import, write=AGENT),
    "lead_import_undo": Route(_import, write=AGENT),
    "lead_import_discard": Route(_import, write=AGENT),
    "lead_import_report": Route(_import, read=AGENT),
    "held": Route(_none, read=VIEWER),
    "held_release": Route(_none, write=AGENT, body=_held),
    "held_discard": Route(_none, write=AGENT, body=_held),
    "held_restore": Route(_none, write=AGENT, body=_held),
    "board": Route(_none, read=VIEWER),
    "board_move": Route(
        _none,
        write=AGENT,
        body=lambda place: {
            "lead": str(place.lead.public_id),
            "stage": place.types[0].stages.get(name="Won").pk,
        },
    ),
    "lead_types": Route(_none, read=VIEWER),
    "lead_type_add": Route(_none, write=ADMIN, body=lambda _: {"name": "Repairs"}),
    "lead_type_rename": Route(_type, write=ADMIN, body=lambda _: {"name": "Selling"}),
    "lead_type_move": Route(_type, write=ADMIN, body=lambda _: {"to": "0"}),
    "lead_type_paint": Route(_type, write=ADMIN, body=lambda _: {"hue": "3"}),
    "alias_add": Route(_type, write=ADMIN, body=lambda _: {"name": "Enquiry"}),
    "alias_remove": Route(_alias, write=ADMIN),
    "unmatched_dismiss": Route(_unmatched, write=ADMIN, body=lambda _: {"key": "odd"}),
    "lead_type_archive": Route(_type, write=ADMIN),
    "lead_type_restore": Route(_archived_type, write=ADMIN),
    "stage_add": Route(_type, write=ADMIN, body=lambda _: {"name": "Offer", "kind": "open"}),
    "stage_rename": Route(_stage, write=ADMIN, body=lambda _: {"name": "Called"}),
    "stage_move": Route(_stage, write=ADMIN, body=lambda _: {"to": "0"}),
    "stage_paint": Route(_stage, write=ADMIN, body=lambda _: {"hue": "3"}),
    "stage_archive": Route(_stage, write=ADMIN),
    "stage_restore": Route(_stage, write=ADMIN),
    "api": Route(_none, read=VIEWER),
    "endpoint": Route(_endpoint, read=VIEWER, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.7"}),
    "endpoint_add": Route(_none, write=ADMIN, body=lambda _: {"name": "Shop"}),
    "endpoint_preset": Route(lambda place: {**_endpoint(place), "way": "server"}, write=ADMIN, answers=200),
    "endpoint_preview": Route(_endpoint, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.7"}, answers=200),
    "endpoint_explain": Route(_endpoint, write=VIEWER, body=lambda _: {"explain_address": "::1"}, answers=200),
    "endpoint_try": Route(_endpoint, write=ADMIN, body=lambda _: {"try_origin": "ä", "try_body": "{}"}, answers=200),
    "endpoint_find": Route(_endpoint, write=ADMIN, answers=200),
    "endpoint_live": Route(_endpoint, read=VIEWER),
    "endpoint_rename": Route(_endpoint, write=ADMIN, body=lambda _: {"name": "Shop"}),
    "endpoint_switch": Route(_endpoint, write=ADMIN, body=lambda _: {"enabled": "off"}),
    "endpoint_rotate": Route(_endpoint, write=ADMIN, body=lambda _: {"overlap_hours": "24"}),
    "endpoint_forwarding": Route(_endpoint, write=ADMIN, body=lambda _: {"forwarding": "on"}),
    "endpoint_take_back": Route(_endpoint, write=ADMIN, body=lambda _: {"entry": "1"}),
    "endpoint_allow": Route(_endpoint, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.9"}),
    "endpoint_disallow": Route(_endpoint, write=ADMIN, body=lambda _: {"allowed_ips": "203.0.113.9"}),
    "channels": Route(_none, read=VIEWER),
    "channel_add": Route(
        lambda _: {"kind": "email"}, read=ADMIN, write=ADMIN, body=lambda _: _CHANNEL_BODY, shared=True
    ),
    "channel": Route(_channel, read=VIEWER),
    "channel_edit": Route(_channel, read=ADMIN, write=ADMIN, body=lambda _: _CHANNEL_BODY),
    "channel_test": Route(_channel, write=ADMIN),
    "channel_pause": Route(_channel, write=ADMIN, body=lambda _: {"paused": "on"}),
    "channels_resume": Route(_none, write=ADMIN),
    "channel_rotate": Route(_channel, write=ADMIN),
    "channel_resend": Route(
        _channel, write=ADMIN, body=lambda _: {"since": "2026-01-01T00:00", "until": "2099-01-01T00:00"}
    ),
    "channel_remove": Route(_channel, read=ADMIN, write=ADMIN),
    "delivery": Route(_delivery, read=VIEWER),
    "delivery_resend": Route(_delivery, write=ADMIN),
    "monitoring": Route(_none, read=VIEWER),
    "alerts": Route(_none, read=VIEWER),
    "alert_snooze": Route(_alert, write=ADMIN, body=lambda _: {"hours": "8"}),
    "alert_revert": Route(_alert, write=ADMIN),
    "watch": Route(_endpoint, read=VIEWER, write=ADMIN, body=lambda _: {"refusals_factor": "5", "from_calls": "100"}),
    "logs": Route(_none, read=VIEWER),
    "logs_export": Route(lambda _: {"kind": "csv"}, read=VIEWER, shared=True),
    "mend_limit": Route(_endpoint, write=ADMIN, body=lambda _: {"from": "10", "to": "20"}),
    "mend_lead_type": Route(_none, write=ADMIN, body=lambda _: {"name": "Gardens"}),
    "mend_lead_type_undo": Route(_type, write=ADMIN),
    "tokens": Route(
        _none,
        read=VIEWER,
        write=VIEWER,
        body=lambda _: {"name": "Report", "scopes": "leads:read", "days": "90"},
        answers=200,
    ),
    # Of somebody else: of one's own everybody may.
    "token_revoke": Route(_token, write=ADMIN),
    "token_restore": Route(_token, write=ADMIN),
    "help": Route(_none, read=VIEWER),
    "help_page": Route(lambda _: {"name": "guide/setup"}, read=VIEWER, shared=True),
    "team": Route(_none, read=VIEWER),
    "team_invite": Route(_none, write=ADMIN, body=lambda _: {"email": "nick@example.com", "role": "agent"}),
    "team_link": Route(_none, write=ADMIN, body=lambda _: {"role": "agent"}, answers=200),
    "invitation_renew": Route(_invitation, write=ADMIN),
    "invitation_withdraw": Route(_invitation, write=ADMIN),
    "invitation_restore": Route(_invitation, write=ADMIN),
    "member_role": Route(_member, write=ADMIN, body=lambda _: {"role": "agent"}),
    "member_deactivate": Route(_member, write=ADMIN),
    "member_reactivate": Route(_member, write=ADMIN),
    "workspace_leave": Route(_none, write=VIEWER),
    "audit": Route(_none, read=ADMIN),
    "audit_revert": Route(_saved, write=ADMIN),
    "workspace": Route(
        _none,
        read=VIEWER,
        write=ADMIN,
        body=lambda _: {"name": "Acme GmbH", "time_zone": "Europe/Berlin", "default_region": "DE"},
    ),
}

#: Routes that need a login but no workspace.
OF_A_PERSON = {
    "home",
    "account",
    "account_change_password",
    "account_reauthenticate",
    "account_sessions_end",
    "account_theme",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_deactivate_totp",
    "mfa_download_recovery_codes",
    "mfa_generate_recovery_codes",
    "mfa_index",
    "mfa_list_webauthn",
    "mfa_reauthenticate",
    "mfa_reauthenticate_webauthn",
    "mfa_totp_qr",
    "mfa_view_recovery_codes",
    "workspace_new",
}
#: The same of one thing that the person has, by its id.
OF_A_THING = {"mfa_edit_webauthn", "mfa_remove_webauthn"}

#: Routes of the API; tests/api tries them.
OF_A_PROGRAM = {"api_leads", "api_lead", "api_notes", "api_lead_types", "api_document", "api-root", "api_nothing"}

#: Routes for everybody: name → a path to try.
OPEN = {
    "account_login": "/login/",
    "account_logout": "/logout/",
    "account_inactive": "/inactive/",
    "account_email_verification_sent": "/confirm-email/",
    "account_confirm_email": "/confirm-email/made-up/",
    "account_reset_password": "/password/reset/",
    "account_reset_password_done": "/password/reset/done/",
    "account_reset_password_from_key": "/password/reset/key/1-made-up/",
    "account_reset_password_from_key_done": "/password/reset/key/done/",
    "account_signup": "/signup/",
    "mfa_authenticate": "/login/second-factor/",
    "mfa_login_webauthn": "/login/passkey/",
    "setup": "/setup/made-up/",
    "join": "/join/made-up/",
}


def names() -> list[str]:
    """The names of all routes that there are; a route without one shows its pattern."""

    def walk(patterns: list[URLPattern | URLResolver]) -> Iterator[str]:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns)
            else:
                yield pattern.name or str(pattern.pattern)

    return list(walk(get_resolver().url_patterns))


def path(name: str, place: Place, inside: Place | None = None) -> str:
    """The path of a workspace's route with the ids of ``place``; ``inside`` names the workspace in the URL."""
    slug = (inside or place).workspace.slug
    return reverse(name, kwargs={"slug": slug, **OF_A_WORKSPACE[name].arguments(place)})
