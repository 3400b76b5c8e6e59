"""The canary: a test lead that the worker sends through the public URL now and then, to see that leads get through.

It goes the way of a visitor's lead: name service, TLS, proxy, intake, database. The answer must say 201 and ``test``,
and lead and journal row must be there; then both are taken away again, so that a canary is neither counted nor seen.
A token (stagewise/options/canary.py) stands for an allowed address. What the owner's own rules may do to a lead
without a CAPTCHA, refuse it or hold it, is as it should be: then the canary has come as far as such a lead comes.

One that fails is sent again a minute later, because a restart fails one too; the second failure raises an alert.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import F

from stagewise.core.ids import request_id
from stagewise.endpoints.models import Attempt, AttemptCounter
from stagewise.endpoints.queries import key_of, public_base
from stagewise.leads.models import Lead
from stagewise.notify import own_url
from stagewise.notify.alerts import raising, rules
from stagewise.notify.alerts.looking import subject_of
from stagewise.notify.alerts.raising import Found
from stagewise.notify.models import Alert, Watch
from stagewise.notify.outbound import OutboundError
from stagewise.options.canary import HEADER, Canaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from stagewise.endpoints.models import Endpoint
    from stagewise.notify.outbound import Answer

    Send = Callable[[str, dict[str, str], bytes], Answer]

MINUTE_MS: Final = 60_000
#: A canary that failed is sent again after so long.
AGAIN_MS: Final = MINUTE_MS

#: What the test lead says; its message is new each time, so that it repeats nothing.
_LEAD: Final = {"name": "Stagewise canary", "phone": "+44 20 7946 0958", "email": "canary@example.com"}


def claim_due(now: int, size: int = 20) -> list[Watch]:
    """The canaries whose time has come, each given to one worker only; ``now`` is in milliseconds since 1970."""
    due = Watch.objects.filter(canary_next_at__lte=now, endpoint__enabled=True).exclude(canary_minutes=None)
    claimed = []
    for watch in due.select_related("endpoint__workspace").order_by("canary_next_at")[:size]:
        following = now + (watch.canary_minutes or 0) * MINUTE_MS
        if Watch.objects.filter(pk=watch.pk, canary_next_at=watch.canary_next_at).update(canary_next_at=following):
            claimed.append(watch)
    return claimed


def send_one(watch: Watch, clock: Callable[[], int], send: Send | None = None) -> str:
    """Send the canary of an endpoint and keep what came of it; returns the problem, empty where there is none.

    Opens no transaction while it waits for the answer. ``send`` posts bytes with headers to a URL, or raises
    :class:`OutboundError`; by default it is the guarded client.
    """
    problem = _problem(watch.endpoint, send or own_url.post)
    now = clock()
    with transaction.atomic():
        there = Watch.objects.select_for_update().filter(pk=watch.pk).exclude(canary_minutes=None).first()
        if there is None:
            return problem  # switched off while it was under way
        failed_before = bool(there.canary_problem)
        there.canary_last_at, there.canary_problem = now, problem
        if problem and not failed_before:
            there.canary_next_at = min(there.canary_next_at, now + AGAIN_MS)
        there.save(update_fields=["canary_last_at", "canary_problem", "canary_next_at"])
    _settle(watch.endpoint, problem, failed_before, now)
    return problem


def _settle(endpoint: Endpoint, problem: str, failed_before: bool, now: int) -> None:
    workspace = endpoint.workspace
    found = Found(rules.CANARY, subject_of(endpoint.pk), {"problem": problem}, endpoint.pk)
    alert = Alert.objects.filter(workspace=workspace, kind=found.kind, subject=found.subject, resolved_at=None).first()
    if not problem and alert is not None:
        raising.resolve(alert, now)
    elif problem and alert is not None:
        raising.remind(alert, now)
    elif problem and failed_before:
        raising.raise_alert(workspace, found, now)


def _problem(endpoint: Endpoint, send: Send) -> str:
    """Send a test lead and look for it; returns what is wrong in one sentence, empty where nothing is."""
    key = key_of(endpoint)
    ours = request_id()
    headers = {"Content-Type": "application/json", HEADER: Canaries(settings.SECRET_KEY).token(key)}
    body = json.dumps({**_LEAD, "message": f"Canary {ours}"}).encode()
    try:
        answer = send(f"{public_base()}/public/v1/leads/{key}", headers, body)
    except OutboundError as error:
        return f"The test lead got no answer. {error}"
    said = _json(answer.body_cut)
    if answer.status == 201 and said.get("test") is True:
        return _look_for(endpoint, str(said.get("id", "")))
    if _is_owners_rule(endpoint, answer.status, said):
        return ""
    code = said.get("code")
    told = f" ({code})" if isinstance(code, str) else ""
    return f"The test lead was answered {answer.status}{told}, not 201."


def _is_owners_rule(endpoint: Endpoint, status: int, said: dict[str, Any]) -> bool:
    """Whether a rule that the owner made stands in a robot's way, as it should."""
    if status == 202:
        return said.get("held") is True
    return status == 422 and said.get("code") == "captcha_failed" and bool(endpoint.captcha.get("provider"))


def _look_for(endpoint: Endpoint, public_id: str) -> str:
    """See that the lead and its journal row were stored, and take them away."""
    try:
        wanted = uuid.UUID(public_id)
    except ValueError:
        return "The test lead was answered without its id."
    lead = Lead.objects.filter(public_id=wanted, endpoint=endpoint, test=True).first()
    if lead is None:
        return "The test lead was answered 201, and is not in the database."
    row = Attempt.objects.filter(workspace_id=lead.workspace_id, lead_id=lead.pk, outcome="test_created")
    noted = row.filter(at=lead.created_at).values_list("id", flat=True).first()
    with transaction.atomic():
        if noted is not None:
            Attempt.objects.filter(id=noted, at=lead.created_at).delete()
            _uncount(lead)
        lead.delete()
    return "" if noted is not None else "The test lead was stored, and its row in Logs was not."


def _uncount(lead: Lead) -> None:
    """Take the canary out of the counters again."""
    assert lead.endpoint_id is not None
    minute = lead.created_at - lead.created_at % MINUTE_MS
    counted = AttemptCounter.objects.filter(endpoint_id=lead.endpoint_id, minute=minute, outcome="test_created")
    row = counted.filter(count__gt=0).values_list("id", flat=True).first()
    if row is None:
        return
    AttemptCounter.objects.filter(id=row, count__gt=0).update(count=F("count") - 1, detailed=F("detailed") - 1)
    AttemptCounter.objects.filter(id=row, count=0).delete()


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
