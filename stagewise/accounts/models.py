"""Who may do what: the installation, its workspaces, users, their membership, and what they did."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.db import models


class UserManager(BaseUserManager["User"]):
    """Makes users; e-mail addresses are kept in lower case, so one mailbox is one user."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can log in; what they may do in a workspace is their :class:`Member` row."""

    email = models.EmailField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    #: IANA name; empty: times are shown in the workspace's zone.
    time_zone = models.CharField(max_length=64, blank=True, default="")
    #: A code of ``settings.LANGUAGES``; empty: what the browser asks for.
    language = models.CharField(max_length=10, blank=True, default="")
    #: ``light`` or ``dark``; empty: as the system is.
    theme = models.CharField(max_length=5, blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        db_table = "user_account"

    def __str__(self) -> str:
        return self.email


class Workspace(models.Model):
    """An account's world, the tenant: every row that people see belongs to exactly one."""

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=60, unique=True)
    time_zone = models.CharField(max_length=64, default="UTC")
    #: ISO 3166 two-letter code; national phone numbers are read as numbers of this region. Empty: not read.
    default_region = models.CharField(max_length=2, blank=True, default="")
    #: A random number, new whenever lead types or stages change: the lane keeps its compiled form under it.
    types_version = models.BigIntegerField(default=0)
    #: How long what is kept, as stagewise/worker/kept.py types it; empty: the periods that everybody begins with.
    kept = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "workspace"

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do, from most to least."""

    OWNER = "owner", "Owner"
    ADMIN = "admin", "Admin"
    AGENT = "agent", "Agent"
    VIEWER = "viewer", "Viewer"


class Member(models.Model):
    """A user in a workspace, with a role."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role)
    #: Since when this person may no longer come in, milliseconds since 1970; the row stays, as leads and notes name it.
    deactivated_at = models.BigIntegerField(null=True)
    #: When this person last looked at the workspace, milliseconds since 1970, to five minutes; null: never.
    last_seen_at = models.BigIntegerField(null=True)
    #: How this person wants pages to be here: ``{"lead_columns": [...]}`` and the like.
    prefs = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "member"
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="member_workspace_id"),
            models.UniqueConstraint(fields=["workspace", "user"], name="member_workspace_user"),
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"


class AuditEntry(models.Model):
    """Who did what when; rows are only ever added."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="+")
    #: The address of the user at that time; empty for the command line.
    actor = models.CharField(max_length=254, blank=True)
    action = models.CharField(max_length=60)
    subject = models.CharField(max_length=200, blank=True)
    #: Row id of what was changed, where one can go back to it: an endpoint's, a member's.
    subject_id = models.BigIntegerField(null=True)
    #: ``{"field": [old, new]}``; never a secret.
    changes = models.JSONField(default=dict)
    address = models.CharField(max_length=45, blank=True)
    #: Whether it tells of work on a lead rather than of a setting: there are many of those, and they are read apart.
    about_lead = models.BooleanField(default=False)
    #: Milliseconds since 1970, UTC.
    at = models.BigIntegerField()

    class Meta:
        db_table = "audit_entry"
        indexes = [
            models.Index(fields=["workspace", "-id"], name="audit_newest"),
            models.Index(fields=["workspace", "about_lead", "-id"], name="audit_by_kind"),
            models.Index(fields=["workspace", "actor", "about_lead", "-id"], name="audit_by_person"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"


class Invitation(models.Model):
    """A way in for somebody new: by mail to one address, or by a link that whoever has it may use once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    #: Empty: a link that was handed over in some other way.
    email = models.CharField(max_length=254, blank=True)
    role = models.CharField(max_length=10, choices=Role)
    #: SHA-256 of the token, in hexadecimal: who reads the database cannot use the link.
    token_hash = models.CharField(max_length=64, unique=True)
    #: The address of the member who invited.
    invited_by = models.CharField(max_length=254)
    #: Milliseconds since 1970, UTC.
    created_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    #: When it was accepted or taken back; null while it can be used.
    used_at = models.BigIntegerField(null=True)
    withdrawn_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "invitation"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="invitation_workspace_id")]

    def __str__(self) -> str:
        return f"{self.role} in {self.workspace}"


class ApiToken(models.Model):
    """What a program shows to read and work leads through ``/api/v1``; it may never do more than its member may."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="api_tokens")
    #: Whose token it is: with this person's role it loses what the role may not do.
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=100)
    #: SHA-256 of the token, in hexadecimal; the token itself is shown once.
    token_hash = models.CharField(max_length=64, unique=True)
    #: Its first characters, to tell one from another.
    hint = models.CharField(max_length=12)
    #: Such as ``["leads:read", "leads:write", "lead_types:read"]``.
    scopes = models.JSONField(default=list)
    #: Milliseconds since 1970, UTC; null: until it is revoked.
    expires_at = models.BigIntegerField(null=True)
    revoked_at = models.BigIntegerField(null=True)
    #: To the minute.
    last_used_at = models.BigIntegerField(null=True)
    created_at = models.BigIntegerField()

    class Meta:
        db_table = "api_token"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="api_token_workspace_id")]

    def __str__(self) -> str:
        return f"{self.hint}…"


class ApiUse(models.Model):
    """How many calls a token has made in one minute: its rate limit, counted for all processes and nodes together."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    #: Start of the minute, milliseconds since 1970.
    minute = models.BigIntegerField(db_index=True)
    count = models.IntegerField()

    class Meta:
        db_table = "api_use"
        constraints = [models.UniqueConstraint(fields=["token", "minute"], name="api_use_once")]

    def __str__(self) -> str:
        return f"{self.count} calls"


class SetupLink(models.Model):
    """The one-time link with which the first owner sets e-mail address and password."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    #: SHA-256 of the token, in hexadecimal: who reads the database cannot use the link.
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "setup_link"

    def __str__(self) -> str:
        return f"setup link of {self.workspace}"


class Installation(models.Model):
    """The one row that says what this database is: schema, oldest lane that it serves, whose key encrypts."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    schema_version = models.IntegerField()
    oldest_lane = models.IntegerField()
    #: First 16 hexadecimal digits of the SHA-256 of the secret key; empty until a process has started.
    key_fingerprint = models.CharField(max_length=16, blank=True)

    class Meta:
        db_table = "installation"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="installation_one_row")]

    def __str__(self) -> str:
        return f"schema {self.schema_version}"


class CacheRow(models.Model):
    """The table of Django's database cache, in which allauth counts tries to log in; nobody else writes here."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "console_cache"

    def __str__(self) -> str:
        return self.cache_key
