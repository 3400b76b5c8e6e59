"""The checker finds what it is there to find: for each invariant a journal or a database in which it is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from proof import client, journal
from proof.check import breaches, invariants, main, report
from proof.journal import Answered, Call, Journal, calls_of
from proof.stored import Lead, Stored
from tests.support.installation import Installation

LIMIT = 10
DAY = 86_400_000


def call(number: int) -> Call:
    sent = client.lead(f"k{number}")
    return Call(sent, [Answered(sent.token, 201, sent.at, f"{number:032x}")])


def lead(number: int, sent: journal.Sent) -> Lead:
    return Lead(number, f"{number:032x}", sent.name, sent.phone, sent.email, sent.message)


@pytest.fixture
def calls() -> list[Call]:
    """Three leads that were created, one that was sent twice, and two that were refused."""
    made = [call(number) for number in range(1, 4)]
    made[1].answers.append(made[1].answers[0])
    for status, code in ((429, "rate_limited"), (422, "invalid_fields")):
        sent = client.lead(f"refused{status}")
        made.append(Call(sent, [Answered(sent.token, status, sent.at, None, code, has_retry_after=True)]))
    return made


@pytest.fixture
def stored(calls: list[Call]) -> Stored:
    """What these calls leave, after ten others of the same address."""
    leads = [lead(number, calls[number - 1].sent) for number in range(1, 4)]
    ids = Counter(each.id for each in leads)
    counters = Counter(created=3, replayed=1, rate_limited=1, invalid_fields=1)
    return Stored(leads, ids.copy(), ids.copy(), {(1, "192.0.2.1"): [0, DAY, DAY + 1]}, counters, 0)


CHOSEN = invariants(unknown=0, quiet_end=True) | invariants(limit=3)


def change(one: Lead, **values: object) -> Lead:
    return msgspec.structs.replace(one, **values)


def lose(calls: list[Call], stored: Stored) -> None:
    del stored.leads[0]


def answer_another_id(calls: list[Call], stored: Stored) -> None:
    calls[0].answers[0] = msgspec.structs.replace(calls[0].answers[0], id=f"{3:032x}")


def invent(calls: list[Call], stored: Stored) -> None:
    stored.leads.append(lead(4, client.lead("never-sent")))


def store_a_refused_one(calls: list[Call], stored: Stored) -> None:
    stored.leads.append(lead(4, calls[-1].sent))


def double(calls: list[Call], stored: Stored) -> None:
    stored.leads.append(change(stored.leads[0], id=4, public_id=f"{4:032x}"))


def answer_two_ids(calls: list[Call], stored: Stored) -> None:
    calls[1].answers[1] = msgspec.structs.replace(calls[1].answers[1], id=f"{9:032x}")


def cross(calls: list[Call], stored: Stored) -> None:
    stored.leads[0] = change(stored.leads[0], email=stored.leads[1].email)


def alter(calls: list[Call], stored: Stored) -> None:
    stored.leads[0] = change(stored.leads[0], phone="+44 20 7946 0000")


def drop_an_event(calls: list[Call], stored: Stored) -> None:
    del stored.events[1]


def double_an_attempt(calls: list[Call], stored: Stored) -> None:
    stored.attempts[2] += 1


def drop_a_hit(calls: list[Call], stored: Stored) -> None:
    stored.hits[1, "192.0.2.1"].pop()


def fail_inside(calls: list[Call], stored: Stored) -> None:
    calls[-1].answers[0] = msgspec.structs.replace(calls[-1].answers[0], status=500)


def keep_quiet_about_when(calls: list[Call], stored: Stored) -> None:
    calls[-2].answers[0] = msgspec.structs.replace(calls[-2].answers[0], has_retry_after=False)


def leave_without_an_answer(calls: list[Call], stored: Stored) -> None:
    calls[-1].answers[:] = [Answered(calls[-1].sent.token, 0, 0)]


def miscount(calls: list[Call], stored: Stored) -> None:
    stored.counters["rate_limited"] += 1


def leave_an_event(calls: list[Call], stored: Stored) -> None:
    stored.waiting = 1


def admit_too_many(calls: list[Call], stored: Stored) -> None:
    stored.hits[1, "192.0.2.1"] = [2, DAY, DAY + 1, DAY + 1]


def refuse_without_need(calls: list[Call], stored: Stored) -> None:
    stored.hits.clear()


Spoil = Callable[[list[Call], Stored], None]
BROKEN: dict[Spoil, str] = {
    lose: "what was answered with 201 is stored",
    answer_another_id: "what was answered with 201 is stored",
    invent: "what is stored was sent",
    store_a_refused_one: "what was refused for certain is not stored",
    double: "a lead is stored once",
    answer_two_ids: "a lead is stored once",
    cross: "fields belong together",
    alter: "values are those that were sent",
    drop_an_event: "a lead has its attempt, event and slot",
    double_an_attempt: "a lead has its attempt, event and slot",
    drop_a_hit: "a lead has its attempt, event and slot",
    fail_inside: "answers are those of the contract",
    keep_quiet_about_when: "answers are those of the contract",
    leave_without_an_answer: "at most 0 callers do not know",
    miscount: "every answer is counted",
    leave_an_event: "no event waits",
    admit_too_many: "the limit of 3 was kept",
    refuse_without_need: "the limit of 3 was kept",
}


def test_what_is_whole_passes(calls: list[Call], stored: Stored) -> None:
    assert breaches(calls, stored, CHOSEN) == {}


@pytest.mark.parametrize("spoil", BROKEN, ids=lambda spoil: spoil.__name__)
def test_what_is_broken_is_found(calls: list[Call], stored: Stored, spoil: Spoil) -> None:
    spoil(calls, stored)
    assert BROKEN[spoil] in breaches(calls, stored, CHOSEN)


def test_every_invariant_has_something_that_breaks_it() -> None:
    assert set(BROKEN.values()) == set(CHOSEN)


def test_the_table_names_the_breach(calls: list[Call], stored: Stored) -> None:
    lose(calls, stored)
    table, is_well = report(calls, stored, CHOSEN)
    assert not is_well
    assert "BROKEN  what was answered with 201 is stored" in table
    assert "answered with 201, and not stored: k1" in table


def test_a_journal_is_read_as_it_was_written(tmp_path: Path, calls: list[Call]) -> None:
    written = Journal(tmp_path / "journal.jsonl")
    lines: list[journal.Sent | Answered] = []
    for each in calls:
        lines += [each.sent, *each.answers]
    for line in lines:
        written.note(line)
    written.close()
    assert journal.read(written.path) == calls == calls_of(lines)


def test_the_command_tells_a_whole_installation_from_one_that_lost_a_lead(
    installation: Installation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=2)
    lane = installation.intake()
    written = Journal(tmp_path / "journal.jsonl")
    for number in range(3):
        sent = client.lead(f"c{number}")
        answer = lane.post_lead(
            {"Idempotency-Key": sent.key or ""},
            name=sent.name,
            phone=sent.phone,
            email=sent.email,
            message=sent.message,
        )
        written.note(sent)
        body, again = answer.json(), "retry-after" in answer.headers
        written.note(Answered(sent.token, answer.status, sent.at, body.get("id"), body.get("code"), again))
    written.close()
    lane.end()
    place = ["--database", installation.database_url] if installation.database_url else []
    command = [str(written.path), *(place or ["--data-dir", str(installation.data_dir)]), "--limit", "2"]
    assert main(command) == 0
    assert "3 leads sent (2 x 201, 1 x 429), 2 stored" in capsys.readouterr().out
    installation.sql("DELETE FROM lead WHERE name = 't=c0'")
    assert main(command) == 1
    assert "answered with 201, and not stored: c0" in capsys.readouterr().out
