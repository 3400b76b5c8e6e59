"""How each endpoint is doing, in a few words: what the overview and the page of the endpoints show beside its name.

Two queries, whatever the number of endpoints, calls and leads. Both read counters: those of the last 24 hours, and of
each endpoint the newest minute in which a lead came.
"""

from __future__ import annotations

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db.models import OuterRef, Subquery, Sum
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

from stagewise.accounts.clock import now_ms
from stagewise.core.refusal import ACCEPTED, REFUSALS
from stagewise.endpoints.models import AttemptCounter, Endpoint

if TYPE_CHECKING:
    from stagewise.accounts.models import Workspace

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000

#: So many calls of a day, all refused, are no accident; fewer may be somebody who tries URLs.
_MANY: Final = 3
#: What bends no figure: test calls are counted under these.
_TESTS: Final = frozenset({"test", "test_created"})


@dataclass(frozen=True)
class EndpointState:
    """An endpoint, whether it is well, and why or why not."""

    endpoint: Endpoint
    #: ``off``, ``nobody``, ``refusing``, ``waiting`` (for its first lead) or ``taking``.
    code: str
    #: A few words that go on after the endpoint's name: "last lead 12 minutes ago".
    words: str
    #: When the last lead came, milliseconds since 1970, to the minute (after 8 days to the hour); None: never.
    last_lead_at: int | None

    @property
    def ok(self) -> bool:
        """Whether nothing needs doing."""
        return self.code in {"waiting", "taking"}


def states(workspace: Workspace) -> list[EndpointState]:
    """The workspace's endpoints with their state, the oldest first."""
    now = now_ms()
    created = AttemptCounter.objects.filter(endpoint_id=OuterRef("pk"), outcome="created")
    newest = Subquery(created.order_by("-minute").values("minute")[:1])
    endpoints = list(Endpoint.objects.filter(workspace=workspace).annotate(last_minute=newest))
    counted = _counted(workspace, now)
    return [_state(each, each.last_minute, counted.get(each.pk, Counter()), now) for each in endpoints]


def _counted(workspace: Workspace, now: int) -> dict[int, Counter[str]]:
    """Calls of the last 24 hours by endpoint and outcome, without test calls."""
    rows = (
        AttemptCounter.objects.filter(workspace_id=workspace.pk, minute__gt=now - DAY_MS)
        .exclude(outcome__in=_TESTS)
        .values_list("endpoint_id", "outcome")
        .annotate(total=Sum("count"))
    )
    found: dict[int, Counter[str]] = {}
    for endpoint_id, outcome, total in rows:
        found.setdefault(endpoint_id, Counter())[outcome] += int(total)
    return found


def _state(endpoint: Endpoint, last: int | None, counted: Counter[str], now: int) -> EndpointState:
    code, words = _trouble(endpoint, counted)
    if not code:
        code, words = ("waiting", _("waiting for its first lead")) if last is None else ("taking", _since(last, now))
        if not (endpoint.allow_all_ips or endpoint.allowed_ips):
            words = _("takes leads from its hosted form only; %(words)s") % {"words": words}
    return EndpointState(endpoint, code, words, last)


def _trouble(endpoint: Endpoint, counted: Counter[str]) -> tuple[str, str]:
    """What is wrong, as code and words; two empty texts where nothing is."""
    if not endpoint.enabled:
        return "off", _("switched off: every call is refused")
    if not (endpoint.allow_all_ips or endpoint.allowed_ips or endpoint.form.get("enabled")):
        return "nobody", _("refusing everything: the IP list is empty")
    refused = Counter({outcome: count for outcome, count in counted.items() if outcome not in ACCEPTED})
    total = refused.total()
    if total >= _MANY and total == counted.total():
        outcome = refused.most_common(1)[0][0]
        why = _(REFUSALS[outcome].title) if outcome in REFUSALS else outcome
        words = _("refused all %(count)s calls of the last 24 hours, most with “%(why)s”")
        return "refusing", words % {"count": f"{total:,}", "why": why}
    return "", ""


def _since(last: int, now: int) -> str:
    if now - last < 2 * MINUTE_MS:
        return _("last lead just now")
    then, today = (datetime.datetime.fromtimestamp(each / 1000, datetime.UTC) for each in (last, now))
    return _("last lead %(time)s ago") % {"time": timesince(then, today, depth=1).replace("\xa0", " ")}
