"""The canary and what comes of each answer; tests/test_canary.py sends it through a real intake."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from stagewise.accounts.models import Workspace
from stagewise.endpoints.models import Attempt, AttemptCounter, Endpoint
from stagewise.endpoints.queries import key_of
from stagewise.leads.models import Lead
from stagewise.notify.alerts import actions, canary
from stagewise.notify.models import Alert, Event, Watch
from stagewise.notify.outbound import Answer, OutboundError
from stagewise.options.canary import HEADER, Canaries
from tests.notify.workbench import MINUTE, NOON, Clock
from tests.support.installation import SECRET_KEY


class Line:
    """What stands between worker and intake: it answers as the test wants."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.status = 201
        self.body: dict[str, Any] = {}
        self.error = ""
        self.stores = self.notes = True
        self.sent: list[tuple[str, dict[str, str], dict[str, Any]]] = []

    def __call__(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        self.sent.append((url, headers, json.loads(body)))
        if self.error:
            raise OutboundError(self.error)
        if self.status == 201 and not self.body:
            return Answer(201, {}, json.dumps(self._store()).encode(), 1)
        return Answer(self.status, {}, json.dumps(self.body).encode(), 1)

    def _store(self) -> dict[str, Any]:
        kind = self.endpoint.workspace.lead_types.all()[0]
        public_id = uuid.uuid4()
        if self.stores:
            lead = Lead.objects.create(
                workspace=self.endpoint.workspace, public_id=public_id, endpoint=self.endpoint, lead_type=kind,
                stage=kind.stages.all()[0], name="a", phone="b", email="c", test=True, created_at=NOON,
            )  # fmt: skip
            ids = {"workspace_id": lead.workspace_id, "endpoint_id": self.endpoint.pk}
            if self.notes:
                Attempt.objects.create(
                    **ids, at=NOON, outcome="test_created", status=201, address_from="peer", lead_id=lead.pk
                )
                place: dict[str, Any] = {
                    **ids,
                    "minute": NOON // MINUTE * MINUTE,
                    "outcome": "test_created",
                    "process": 1,
                }
                AttemptCounter.objects.update_or_create(**place, defaults={"count": 2, "detailed": 2})
        return {"id": str(public_id), "test": True}


@pytest.fixture
def line(workspace: Workspace) -> Line:
    endpoint = Endpoint.objects.select_related("workspace").get(workspace=workspace)
    actions.set_watch(endpoint, canary_minutes=10)
    Watch.objects.update(canary_next_at=NOON)
    return Line(endpoint)


def send(line: Line, clock: Clock) -> str:
    (watch,) = canary.claim_due(clock.now)
    return canary.send_one(watch, clock, line)


@pytest.mark.django_db
def test_it_is_sent_to_the_public_url_with_a_token_and_says_something_new_each_time(line: Line, clock: Clock) -> None:
    send(line, clock)
    clock.now += 10 * MINUTE
    send(line, clock)
    (url, headers, first), (_, _, second) = line.sent
    assert url.endswith(f"/public/v1/leads/{key_of(line.endpoint)}")
    assert Canaries(SECRET_KEY).is_ours(headers[HEADER], key_of(line.endpoint))
    assert first["message"] != second["message"]


@pytest.mark.django_db
def test_each_canary_belongs_to_one_worker_and_comes_again_in_its_time(line: Line, clock: Clock) -> None:
    assert len(canary.claim_due(clock.now)) == 1
    assert canary.claim_due(clock.now) == []
    assert canary.claim_due(clock.now + 10 * MINUTE - 1) == []
    assert len(canary.claim_due(clock.now + 10 * MINUTE)) == 1


@pytest.mark.django_db
def test_what_it_left_is_taken_away_and_other_tests_stay_counted(line: Line, clock: Clock) -> None:
    assert send(line, clock) == ""
    assert not Lead.objects.exists()
    assert not Attempt.objects.exists()
    assert AttemptCounter.objects.get().count == 1
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"error": "leads.example.com refused the connection."}, "got no answer. leads.example.com refused"),
        ({"status": 403, "body": {"code": "ip_not_allowed"}}, "answered 403 (ip_not_allowed), not 201"),
        ({"status": 502}, "answered 502, not 201"),
        ({"body": {"test": False, "id": "x"}}, "answered 201, not 201"),
        ({"body": {"test": True}}, "without its id"),
        ({"stores": False}, "is not in the database"),
        ({"notes": False}, "row in Logs was not"),
        ({"status": 422, "body": {"code": "captcha_failed"}}, "422 (captcha_failed)"),
    ],
)
@pytest.mark.django_db
def test_whatever_is_wrong_is_said_in_one_sentence(line: Line, clock: Clock, how: dict[str, Any], said: str) -> None:
    for name, value in how.items():
        setattr(line, name, value)
    problem = send(line, clock)
    assert said in problem
    assert Watch.objects.get().canary_problem == problem
    assert not Lead.objects.exists()


@pytest.mark.django_db
def test_an_owners_own_rules_may_stop_it(line: Line, clock: Clock) -> None:
    Endpoint.objects.update(captcha={"provider": "altcha"})
    line.endpoint.refresh_from_db()
    line.status, line.body = 422, {"code": "captcha_failed"}
    assert send(line, clock) == ""
    clock.now += 10 * MINUTE
    line.status, line.body = 202, {"held": True}
    assert send(line, clock) == ""


@pytest.mark.django_db
def test_one_failure_is_tried_again_soon_and_the_second_is_told_once(line: Line, clock: Clock) -> None:
    line.status = 502
    send(line, clock)
    assert not Alert.objects.exists()
    assert Watch.objects.get().canary_next_at == clock.now + MINUTE
    for _ in range(3):
        clock.now = Watch.objects.get().canary_next_at
        send(line, clock)
    assert Alert.objects.get().data == {"problem": "The test lead was answered 502, not 201."}
    assert Event.objects.filter(kind="alert.raised").count() == 1
    line.status = 201
    clock.now = Watch.objects.get().canary_next_at
    send(line, clock)
    assert Alert.objects.get().resolved_at == clock.now
    assert Event.objects.filter(kind="alert.resolved").count() == 1


@pytest.mark.django_db
def test_switching_it_off_ends_it_and_its_alert(line: Line, clock: Clock) -> None:
    line.status = 502
    for _ in range(2):
        send(line, clock)
        clock.now = Watch.objects.get().canary_next_at
    actions.set_watch(line.endpoint, canary_minutes=None)
    assert canary.claim_due(clock.now + 60 * MINUTE) == []
    assert Alert.objects.get().resolved_at is not None
    assert Watch.objects.get().canary_problem == ""


@pytest.mark.django_db
def test_an_endpoint_that_is_switched_off_gets_none(line: Line, clock: Clock) -> None:
    Endpoint.objects.update(enabled=False)
    assert canary.claim_due(clock.now) == []
