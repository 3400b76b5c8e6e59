"""Making workspaces and users, and the one-time link for the first owner."""

from __future__ import annotations

import datetime
import hashlib
import re
import secrets
import zoneinfo

import phonenumbers
from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.accounts import audit, members, names
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import Member, Role, SetupLink, User, Workspace

#: How long a setup link lives. Long enough for a weekend; a new one is a restart away.
SETUP_LINK_LIFE = datetime.timedelta(days=3)

_LINK_GONE = gettext_lazy("This link was used already, or a newer one took its place.")

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def create_workspace(name: str, slug: str) -> Workspace:
    """Make an empty workspace. ``slug`` is its part of the console's URLs: lower-case letters, digits, hyphens."""
    problems: dict[str, list[str]] = {}
    try:
        name = names.clean(name, longest=200)
    except ValueError as error:
        problems["name"] = [str(error)]
    if not _SLUG.fullmatch(slug) or len(slug) > 60:
        problems["slug"] = [_("Use at most 60 lower-case letters, digits and single hyphens between them.")]
    elif Workspace.objects.filter(slug=slug).exists():
        problems["slug"] = [_("There is a workspace “%s” already.") % slug]
    if problems:
        raise ActionError(problems)
    with transaction.atomic():
        workspace = Workspace.objects.create(name=name, slug=slug)
        audit.record(workspace, "", "workspace.created", slug)
    return workspace


def save_workspace(
    workspace: Workspace, name: str, time_zone: str, default_region: str, actor: str = "", address: str = ""
) -> Workspace:
    """Save the workspace's name, the IANA time zone of its pages, and the region of national phone numbers.

    The region is an ISO 3166 two-letter code; empty: phone numbers without a country code stay as typed.
    """
    values = {"name": name, "time_zone": time_zone.strip(), "default_region": default_region.strip().upper()}
    problems: dict[str, list[str]] = {}
    try:
        values["name"] = names.clean(name, longest=200)
    except ValueError as error:
        problems["name"] = [str(error)]
    if values["time_zone"] not in zoneinfo.available_timezones():
        problems["time_zone"] = [_("There is no such time zone; they look like Europe/Berlin.")]
    if values["default_region"] and values["default_region"] not in phonenumbers.SUPPORTED_REGIONS:
        problems["default_region"] = [_("This is no two-letter code of a country, such as DE or US.")]
    if problems:
        raise ActionError(problems)
    with transaction.atomic():
        workspace = Workspace.objects.select_for_update().get(pk=workspace.pk)
        changes = {
            field: [getattr(workspace, field), value]
            for field, value in values.items()
            if getattr(workspace, field) != value
        }
        if changes:
            Workspace.objects.filter(pk=workspace.pk).update(**{field: values[field] for field in changes})
            audit.record(workspace, actor, "workspace.saved", workspace.slug, changes, address)
            workspace.refresh_from_db()
    return workspace


def make_setup_link(workspace: Workspace) -> str:
    """Make the one-time link of a workspace and return its token; links made before stop working."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        _void_setup_links(workspace)
        SetupLink.objects.create(
            workspace=workspace, token_hash=_hash(token), expires_at=timezone.now() + SETUP_LINK_LIFE
        )
    return token


def find_setup_link(token: str) -> SetupLink | None:
    """The link of this token while it can still be used."""
    return (
        SetupLink.objects.select_related("workspace")
        .filter(token_hash=_hash(token), used_at=None, expires_at__gt=timezone.now())
        .first()
    )


def redeem_setup_link(token: str, email: str, password: str, address: str = "") -> User:
    """Make the owner. Of two people who redeem one link at once, one is made and the other is told.

    ``address`` is the client's, for the audit entry. A person who has an account already is not given another
    password by a link: they log in.
    """
    if find_setup_link(token) is None:
        raise ActionError({"": [str(_LINK_GONE)]})
    user = prepared(User(email=checked_email(email)), password)
    with transaction.atomic():
        link = (
            SetupLink.objects.select_for_update()
            .filter(token_hash=_hash(token), used_at=None, expires_at__gt=timezone.now())
            .first()
        )
        if link is None:
            raise ActionError({"": [str(_LINK_GONE)]})
        if User.objects.filter(email=user.email).exists():
            raise ActionError({"email": [_("This address has an account here already. Log in with it instead.")]})
        save_user(user)
        Member.objects.create(workspace=link.workspace, user=user, role=Role.OWNER)
        _void_setup_links(link.workspace)
        audit.record(link.workspace, user.email, "setup.redeemed", user.email, address=address)
    return user


def add_user(workspace: Workspace, email: str, role: str, password: str, actor: str = "") -> User:
    """Make a verified member, or set role and password of the one there is; unused setup links stop working.

    Who was deactivated is let in again. Raises :class:`ActionError`, also where no owner would be left.
    """
    if role not in Role.values:
        raise ActionError(
            {
                "role": [
                    _("The roles are %(roles)s; there is no “%(role)s”.")
                    % {"roles": ", ".join(Role.values), "role": role}
                ]
            }
        )
    email = checked_email(email)
    user = prepared(User.objects.filter(email=email).first() or User(email=email), password)
    with transaction.atomic():
        members.hold(workspace.pk)
        save_user(user)
        member, made = Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
        changes: audit.Changes = {"role": [None if made else member.role, role]}
        if member.role == Role.OWNER and role != Role.OWNER:
            members.keep_an_owner(member)
        if member.role != role or member.deactivated_at is not None:
            member.role, member.deactivated_at = role, None
            member.save(update_fields=["role", "deactivated_at"])
        _void_setup_links(workspace)
        audit.record(workspace, actor, "user.added" if made else "user.changed", user.email, changes)
    return user


def checked_email(email: str) -> str:
    """The address as it is kept, in lower case; raises :class:`ActionError` for what is none."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        raise ActionError({"email": [_("This is no e-mail address such as you@example.com.")]}) from None
    if len(email) > 254:
        raise ActionError({"email": [_("An e-mail address has at most 254 characters.")]})
    return email


def prepared(user: User, password: str) -> User:
    """Check and set the password without saving: it is slow on purpose, and no transaction may wait for it."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise ActionError({"password": list(error.messages)}) from None
    user.set_password(password)
    user.is_active = True
    return user


def save_user(user: User, *, verified: bool = True) -> None:
    """Save the user and their address. One that is not verified gets a mail with a link before they can log in."""
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": verified, "primary": True})


def _void_setup_links(workspace: Workspace) -> None:
    SetupLink.objects.filter(workspace=workspace, used_at=None).update(used_at=timezone.now())


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
