"""Endpoints: their configuration, their keys, and the journal of every call.

The lane reads the first two and writes the rest with SQL of its own (stagewise/store); tests on both databases
hold the two together. Times are milliseconds since 1970, UTC, by the database's clock.
"""

from __future__ import annotations

from django.db import models

from stagewise.accounts.models import Workspace


class Endpoint(models.Model):
    """One public API endpoint with its configuration, one per website."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="endpoints")
    name = models.CharField(max_length=100)
    enabled = models.BooleanField(default=True)
    allow_all_ips = models.BooleanField(default=False)
    #: Canonical addresses and CIDR blocks, as text.
    allowed_ips = models.JSONField(default=list)
    #: What the owner calls entries of it: entry → a few words. The lane does not read them.
    ip_notes = models.JSONField(default=dict, blank=True)
    #: ASCII origins, compared byte for byte.
    allowed_origins = models.JSONField(default=list)
    #: Created leads per client address in any rolling 24 h; null: no limit.
    max_leads_per_ip = models.IntegerField(null=True)
    #: Callers on the IP list may name the visitor's address; the limit then counts the visitor.
    forwarding = models.BooleanField(default=False)
    #: Created leads per forwarding server in any rolling 24 h; null: no ceiling.
    server_ceiling = models.IntegerField(null=True, default=2000)
    #: What becomes of a lead over the limit: ``refuse`` (429) or ``hold`` (202).
    over_limit = models.CharField(max_length=6, default="refuse")
    #: The optional rules, as stagewise/options/rules.py types them; empty: all off.
    captcha = models.JSONField(default=dict, blank=True)
    holding = models.JSONField(default=dict, blank=True)
    form = models.JSONField(default=dict, blank=True)
    #: A random number, new with every save: the lane keeps the compiled rules under it, and of two people who save
    #: at once the second is told.
    version = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "endpoint"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["workspace", "id"], name="endpoint_workspace_id"),
            models.UniqueConstraint(fields=["workspace", "name"], name="endpoint_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class EndpointKey(models.Model):
    """The random part of an endpoint's URL. A rotated key works until it retires, and is remembered after that."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="+")
    endpoint = models.ForeignKey(Endpoint, on_delete=models.CASCADE, related_name="keys")
    key = models.CharField(max_length=64, unique=True)
    created_at = models.BigIntegerField()
    #: From this moment on the key answers 410; null for the current key.
    retires_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "endpoint_key"
        constraints = [models.UniqueConstraint(fields=["workspace", "id"], name="endpoint_key_workspace_id")]

    def __str__(self) -> str:
        return f"{self.key[:6]}…"


class Hit(models.Model):
    """One used slot of the rolling limit."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    #: Client address as text; IPv6 as its /64.
    bucket = models.CharField(max_length=45)
    at = models.BigIntegerField()

    class Meta:
        db_table = "hit"
        indexes = [
            models.Index(fields=["endpoint_id", "bucket", "at"], name="hit_window"),
        ]

    def __str__(self) -> str:
        return f"{self.bucket} at {self.at}"


class BoundKey(models.Model):
    """An Idempotency-Key bound by a lead that was created or held: what was sent, and the answer to repeat."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    #: SHA-256 of the normalised fields.
    fingerprint = models.CharField(max_length=64)
    #: Null while the lead is held.
    lead_id = models.BigIntegerField(null=True)
    #: 201, or 202 where the lead was held.
    status = models.SmallIntegerField(default=201)
    #: The body of the answer, to the byte.
    answer = models.TextField()
    at = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "bound_key"
        constraints = [models.UniqueConstraint(fields=["endpoint_id", "key"], name="bound_key_once")]

    def __str__(self) -> str:
        return self.key


class Attempt(models.Model):
    """One call of an endpoint and what became of it. No field values of refused calls."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    at = models.BigIntegerField()
    #: ``created``, ``replayed`` or the code of a refusal (stagewise/core/refusal.py).
    outcome = models.CharField(max_length=40)
    status = models.SmallIntegerField()
    #: The address that the decision was made on: the visitor's where a server named it; null when it could not be read.
    address = models.CharField(max_length=45, null=True)
    #: The server that named the visitor's address.
    forwarded_by = models.CharField(max_length=45, null=True)
    #: ``peer``, or the name of the header that the address was read from.
    address_from = models.CharField(max_length=60)
    #: What the owner should know beyond the code, as a code: see ``NOTES`` in stagewise/core/refusal.py.
    note = models.CharField(max_length=40, blank=True)
    preflight = models.BooleanField(default=False)
    origin = models.TextField(null=True)
    user_agent = models.TextField(null=True)
    #: Which fields were wrong: ``email:invalid_email,name:required``.
    field_errors = models.TextField(blank=True)
    request_id = models.CharField(max_length=36)
    lead_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "attempt"
        indexes = [
            models.Index(fields=["workspace_id", "-id"], name="attempt_newest"),
            models.Index(fields=["workspace_id", "outcome", "-id"], name="attempt_by_outcome"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} at {self.at}"


class CaptchaPass(models.Model):
    """A token that its provider has accepted, and for which submission: a retry passes, another submission does not."""

    endpoint_id = models.BigIntegerField()
    #: SHA-256 of the token, hexadecimal.
    token_hash = models.CharField(max_length=64)
    #: SHA-256 of the normalised fields that it came with.
    fingerprint = models.CharField(max_length=64)
    at = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "captcha_pass"
        constraints = [models.UniqueConstraint(fields=["endpoint_id", "token_hash"], name="captcha_pass_once")]

    def __str__(self) -> str:
        return f"{self.token_hash[:6]}…"


class SeenMessage(models.Model):
    """A message that came to an endpoint which holds repeated ones, and how often within 24 hours of each other."""

    endpoint_id = models.BigIntegerField()
    #: The first 64 bits of the message's SHA-256, signed.
    message_hash = models.BigIntegerField()
    count = models.IntegerField()
    at = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "seen_message"
        constraints = [models.UniqueConstraint(fields=["endpoint_id", "message_hash"], name="seen_message_once")]

    def __str__(self) -> str:
        return f"{self.count} times"


class AttemptSummary(models.Model):
    """What goes on after an hour's detail rows are full: one row per outcome, address and origin, with a count."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    #: Start of the hour.
    hour = models.BigIntegerField()
    outcome = models.CharField(max_length=40)
    status = models.SmallIntegerField()
    #: Empty where the address could not be read, or in the row that gathers what found no row of its own.
    address = models.CharField(max_length=45, blank=True)
    origin = models.TextField(blank=True)
    count = models.BigIntegerField()
    last_at = models.BigIntegerField()

    class Meta:
        db_table = "attempt_summary"
        constraints = [
            models.UniqueConstraint(
                fields=["endpoint_id", "hour", "outcome", "address", "origin"], name="attempt_summary_once"
            )
        ]
        indexes = [models.Index(fields=["workspace_id", "-hour"], name="attempt_summary_newest")]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome}"


class AttemptCounter(models.Model):
    """How many calls ended how: a row per process, endpoint, outcome and minute, summed when read."""

    workspace_id = models.BigIntegerField()
    endpoint_id = models.BigIntegerField()
    #: Start of the minute.
    minute = models.BigIntegerField()
    outcome = models.CharField(max_length=40)
    #: A random number of the process that counts.
    process = models.BigIntegerField()
    count = models.BigIntegerField()
    #: How many of them have a detail row.
    detailed = models.BigIntegerField()

    class Meta:
        db_table = "attempt_counter"
        constraints = [
            models.UniqueConstraint(fields=["endpoint_id", "minute", "outcome", "process"], name="attempt_counter_once")
        ]
        indexes = [models.Index(fields=["workspace_id", "minute"], name="attempt_counter_minute")]

    def __str__(self) -> str:
        return f"{self.count} {self.outcome}"


class UnknownCall(models.Model):
    """Calls with a key that does not exist, for the owners of the installation; at most 100 rows an hour."""

    hour = models.BigIntegerField()
    #: The first six characters of what was sent as key.
    prefix = models.CharField(max_length=6)
    address = models.CharField(max_length=45, blank=True)
    count = models.BigIntegerField()
    last_at = models.BigIntegerField()

    class Meta:
        db_table = "unknown_call"
        constraints = [models.UniqueConstraint(fields=["hour", "prefix", "address"], name="unknown_call_once")]

    def __str__(self) -> str:
        return f"{self.prefix}… from {self.address}"


class LaneMinute(models.Model):
    """How fast one lane answered in one minute, for the monitoring page."""

    #: A random number of the process.
    process = models.BigIntegerField()
    #: Start of the minute.
    minute = models.BigIntegerField()
    calls = models.IntegerField()
    #: The longest that its queue was.
    waiting = models.IntegerField()
    #: How many answers fell into each bucket of stagewise/store/timings.py.
    times = models.JSONField()

    class Meta:
        db_table = "lane_minute"
        constraints = [models.UniqueConstraint(fields=["process", "minute"], name="lane_minute_once")]
        indexes = [models.Index(fields=["minute"], name="lane_minute_newest")]

    def __str__(self) -> str:
        return f"{self.calls} calls"
