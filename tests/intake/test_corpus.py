"""Every row of the corpus over a real socket, on both databases: the answer, and what was stored.

Rows of one group go to one lane in turn, so that a lead that should not be there is seen with the row that made it.
Failures are collected and listed by the rows' ids.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import msgspec
import pytest

from tests.corpus.rows import ROWS, Row
from tests.intake.wire import Answer, exchange, post
from tests.support import installation as installations

FIELDS = ("name", "phone", "email", "message", "lead_type_name")
STORED = """
    SELECT lead.id, lead.name, lead.phone, lead.phone_e164, lead.email, lead.message, lead_type.name, lead.public_id
    FROM lead JOIN lead_type ON lead_type.id = lead.lead_type_id WHERE lead.id > ? ORDER BY lead.id
"""
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
#: What the HTTP server answers by itself, without a body, before the application sees a request.
SERVERS_OWN = {400, 408, 413, 414, 431}


class Lane:
    """Running lanes of one installation, one for each set of trusted proxies, with the lead types of the corpus."""

    def __init__(self, installation: installations.Installation) -> None:
        self.installation = installation
        self.path = f"/public/v1/leads/{installation.key}"
        self._servers: dict[str, installations.Server] = {}
        self._last = 0
        for command, name in (("add", "Archived"), ("archive", "Archived"), ("archive", "General")):
            installation.stagewise("lead-type", command, name)

    def server(self, row: Row) -> installations.Server:
        """The lane with the row's trusted proxies; the endpoint's rules are the row's when it returns."""
        addresses = row.rule("allowed_ips")
        self.installation.save_rules(
            allow_all_ips=not addresses,
            allowed_ips=addresses,
            allowed_origins=row.rule("origins"),
            max_leads_per_ip=None,
        )
        proxies = ",".join(row.rule("trusted_proxies"))
        if proxies not in self._servers:
            self._servers[proxies] = self.installation.intake(trusted_proxies=proxies)
        return self._servers[proxies]

    def send(self, row: Row, port: int) -> list[Answer]:
        """Send the row; return what was answered."""
        if row.connection is not None:
            sent = row.connection.replace(b"/__ENDPOINT__", self.path.encode())
        else:
            assert row.body is not None
            sent = post(self.path, row.body, row.content_type, row.headers)
        return exchange(port, sent, row.answers, half_close=row.then == "close")

    def new_leads(self) -> list[dict[str, str | None]]:
        """The leads that were stored since the last call. Rows after them may send the same: it is no repeat."""
        rows = self.installation.sql(STORED, self._last)
        self._last = rows[-1][0] if rows else self._last
        self.installation.sql(
            "UPDATE lead SET repeat_slot = NULL, created_at = created_at - 600000 WHERE repeat_slot IS NOT NULL"
        )
        names = ("id", "name", "phone", "phone_e164", "email", "message", "lead_type_name", "public_id")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def logs(self) -> str:
        """Everything that the lanes have written."""
        return "".join(server.output for server in self._servers.values())


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def lane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    made = installations.make(tmp_path_factory.mktemp("corpus") / "data", request.param)
    yield Lane(made)
    installations.remove(made)


#: One row of this group waits for the deadline of the body, ten seconds.
SLOW = "transport"
GROUPS = [
    pytest.param(group, marks=pytest.mark.slow if group == SLOW else ()) for group in sorted({r.group for r in ROWS})
]


@pytest.mark.parametrize("group", GROUPS)
def test_the_lane_takes_and_refuses_as_marked(lane: Lane, group: str) -> None:
    failures: list[str] = []
    waiting: list[tuple[Row, Future[list[Answer]]]] = []
    lane.new_leads()
    with ThreadPoolExecutor(4) as pool:
        # Rows that run into the deadline of the body wait for it while the others go on.
        for row in sorted((row for row in ROWS if row.group == group), key=lambda row: 408 not in row.statuses):
            port = lane.server(row).port
            if 408 in row.statuses:
                waiting.append((row, pool.submit(lane.send, row, port)))
            else:
                failures += problems(row, lane.send(row, port), lane)
        for row, answers in waiting:
            failures += problems(row, answers.result(), lane)
    assert not failures, "\n".join(failures)
    assert not lane.new_leads(), "a lead was stored after its answer"


GOOD = next(row for row in ROWS if row.id == "name-016")


@pytest.mark.parametrize(
    ("changes", "noticed"),
    [
        ({"expected": "reject_422"}, "answers: [201]"),
        ({"store_as": "Angstrom"}, "name: "),
        ({"e164": "+14155552672"}, "phone_e164: "),
        ({"payload": {**GOOD.payload, "phone": "1"}}, "answers: [422]"),
        ({"setup": 'origins=["https://yoursite.com"]'}, "answers: [403]"),
    ],
)
def test_the_checks_notice_what_is_wrong(lane: Lane, changes: dict[str, Any], noticed: str) -> None:
    lane.new_leads()
    wrong = msgspec.structs.replace(GOOD, **changes)
    found = problems(wrong, lane.send(wrong, lane.server(wrong).port), lane)
    assert any(noticed in problem for problem in found), found


def test_the_checks_notice_a_lead_without_an_answer(lane: Lane) -> None:
    lane.new_leads()
    lane.send(GOOD, lane.server(GOOD).port)
    assert any("0 answers with 201, but 1" in problem for problem in problems(GOOD, [], lane))


def test_nothing_of_a_lead_gets_into_the_logs(lane: Lane) -> None:
    personal = {
        value
        for row in ROWS
        if isinstance(row.payload, dict)
        for value in (row.payload.get(field) for field in ("name", "phone", "email", "message"))
        if isinstance(value, str) and len(value) > 9
    }
    for row in ROWS:
        if row.group in {"name", "body"} and not row.setup:
            lane.send(row, lane.server(row).port)
    logs = lane.logs()
    assert not [value for value in personal if value in logs]
    assert lane.installation.key not in logs


def problems(row: Row, answers: list[Answer], lane: Lane) -> list[str]:
    """What is wrong with the answers to a row, and with what was stored for it."""
    found: list[str] = []
    try:
        _check_statuses(row, answers)
        for answer in answers:
            _check_answer(row, answer, lane)
    except AssertionError as error:
        found.append(str(error).partition("\n")[0])
    leads = lane.new_leads()
    created = [made for answer in answers if answer.status == 201 and "duplicate" not in (made := answer.json())]
    if [lead["public_id"] and uuid.UUID(str(lead["public_id"])) for lead in leads] != [
        uuid.UUID(lead["id"]) for lead in created
    ]:
        found.append(f"{len(created)} answers with 201, but {len(leads)} other leads stored")
    if row.accepted:
        for lead in leads:
            found += _differences(row, lead)
    return [f"{row.id}: {problem} (expected: {row.expected}, {row.why})" for problem in found]


def _check_statuses(row: Row, answers: list[Answer]) -> None:
    statuses = [answer.status for answer in answers]
    closed = not answers and 400 in row.statuses
    assert closed or len(statuses) == row.answers, f"answers: {statuses}"
    assert closed or statuses[0] in row.statuses, f"answers: {statuses}"
    # What follows the marked answer on the same connection is a good lead.
    assert set(statuses[1:]) <= {201}, f"answers: {statuses}"


def _check_answer(row: Row, answer: Answer, lane: Lane) -> None:
    whole = answer.body + repr(answer.headers).encode()
    assert lane.installation.key.encode() not in whole, "the endpoint's key is in the answer"
    for forbidden in ("set-cookie", "access-control-allow-credentials", "access-control-allow-private-network"):
        assert answer.header(forbidden) is None, forbidden
    if answer.header("x-request-id") is None:
        assert row.connection is not None, "no X-Request-Id"
        assert answer.status in SERVERS_OWN, f"{answer.status} without X-Request-Id"
        assert not answer.body, "the server's own answer has a body"
        return
    assert answer.header("cache-control") == "no-store", "Cache-Control"
    assert answer.header("x-content-type-options") == "nosniff", "X-Content-Type-Options"
    assert "Origin" in (answer.header("vary") or ""), "Vary"
    _check_cors(row, answer)
    if answer.status == 201:
        _check_lead(row, answer)
    else:
        _check_problem(row, answer)


def _check_cors(row: Row, answer: Answer) -> None:
    origins = row.rule("origins")
    sent = [value for name, value in row.headers if name == "Origin"]
    allowed = answer.header("access-control-allow-origin")
    if not origins:
        assert allowed in {"*", None}, f"Access-Control-Allow-Origin: {allowed}"
    else:
        assert allowed == (sent[0] if sent in [[origin] for origin in origins] else None), f"allowed origin: {allowed}"


def _check_lead(row: Row, answer: Answer) -> None:
    lead = answer.json()
    lead.pop("duplicate", None)  # a row that sends the same several times
    assert answer.header("content-type") == "application/json", "Content-Type"
    assert list(lead) == [
        "id", "name", "phone", "phone_e164", "email", "message", "lead_type", "test", "created_at",
    ], f"members: {list(lead)}"  # fmt: skip
    assert UUID7.fullmatch(lead["id"]), lead["id"]
    assert TIME.fullmatch(lead["created_at"]), lead["created_at"]
    assert lead["test"] is False, "a test lead"
    if row.accepted:
        said = {**lead, "lead_type_name": lead["lead_type"]["name"]}
        wrong = _differences(row, said)
        assert not wrong, f"the answer says {wrong}"


def _check_problem(row: Row, answer: Answer) -> None:
    problem = answer.json()
    assert answer.header("content-type") == "application/problem+json", "Content-Type"
    assert list(problem) == ["type", "title", "status", "detail", "code", "request_id", "errors"], list(problem)
    assert problem["status"] == answer.status, "another status in the body"
    assert problem["type"].endswith(f"/docs/errors/{problem['code']}"), problem["type"]
    assert problem["request_id"] == answer.header("x-request-id"), "another request id in the body"
    assert not re.search(r"Traceback|SELECT |INSERT |sqlite|psycopg|line \d", answer.body.decode()), "internals"
    if answer.status == 405:
        assert answer.header("allow") == "POST, OPTIONS", "Allow"
    for error in problem["errors"]:
        assert set(error) == {"field", "pointer", "code", "detail"}, error
        assert error["pointer"] == (f"/{error['field']}" if error["field"] else ""), error
    if answer.status == 422 and row.field in FIELDS:
        assert [error["field"] for error in problem["errors"]] == [row.field], problem["errors"]


def _differences(row: Row, lead: dict[str, str | None]) -> list[str]:
    found = [f"{name}: {lead[name]!r}, not {value!r}" for name, value in row.stored().items() if lead[name] != value]
    if row.e164 is not None and lead["phone_e164"] != row.e164:
        found.append(f"phone_e164: {lead['phone_e164']!r}, not {row.e164!r}")
    return found
