"""Leads from files: what becomes of their rows, and what the worker makes of it when it is killed in between."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError

from stagewise.accounts.clock import now_ms
from stagewise.accounts.errors import ActionError, Conflict
from stagewise.accounts.models import AuditEntry
from stagewise.leads import aliases, export, tags, working
from stagewise.leads.actions import archive_lead_type
from stagewise.leads.finding import Filters
from stagewise.leads.importing import acts, files, taking
from stagewise.leads.importing.mapping import Mapping
from stagewise.leads.importing.taking import Taker
from stagewise.leads.models import DeletedLead, ImportLine, Lead, LeadActivity, LeadImport, LeadTag
from stagewise.notify.models import Event
from stagewise.worker.derive import derive
from tests.support import cast as casting
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db

HEADER = "name,phone,email,message,lead type\n"
OLGA = "olga@example.com"

Upload = Callable[..., LeadImport]


@pytest.fixture
def upload(cast: Cast, tmp_path: Path) -> Upload:
    """``upload(text)`` hands a file in; what is said beside it is chosen for all of its leads."""

    def uploaded(content: str | bytes, name: str = "leads.csv", **chosen: Any) -> LeadImport:
        data = content.encode() if isinstance(content, str) else content
        made = acts.upload(cast.acme.workspace, name, [data], OLGA, tmp_path)
        return acts.choose(made, replace(Mapping.read(made.mapping), **chosen)) if chosen else made

    return uploaded


@pytest.fixture
def take(upload: Upload, tmp_path: Path) -> Upload:
    """The same, started and taken in to its end."""

    def took(content: str | bytes, **chosen: Any) -> LeadImport:
        made = acts.start(upload(content, **chosen), OLGA)
        run(tmp_path)
        made.refresh_from_db()
        return made

    return took


def run(data_dir: Path, size: int = 3) -> None:
    """Let a worker work until there is nothing left."""
    taker = Taker(data_dir)
    while taker.work(size).more:
        pass


def people(count: int) -> str:
    rows = (f"Person {n},+493090182{n:03},p{n}@example.org,Hello {n},\n" for n in range(count))
    return HEADER + "".join(rows)


def left_out(made: LeadImport) -> list[tuple[int, Any]]:
    return [(line.row, line.problems) for line in acts.left_out(made)]


def counts(made: LeadImport) -> tuple[int, int, int]:
    return made.created, made.skipped, made.bad_count


def imported() -> list[str]:
    return list(Lead.objects.exclude(added_by=None).order_by("id").values_list("name", flat=True))


# What becomes of a row


def test_a_lead_of_a_file_is_the_one_that_adding_by_hand_makes(cast: Cast, take: Upload) -> None:
    raw = {"name": "Ada", "phone": "+49 30 901820", "email": "Ada@Bücher.example", "message": "a\r\nb"}
    by_hand = working.add(cast.acme.workspace, raw, OLGA)
    file = io.StringIO()
    csv.writer(file).writerows([raw.keys(), raw.values()])
    made = take(file.getvalue(), known="take")
    assert counts(made) == (1, 0, 0)
    lead = Lead.objects.latest("id")
    own = {"id", "public_id", "created_at"}
    assert {
        field.attname: (getattr(lead, field.attname), getattr(by_hand, field.attname))
        for field in Lead._meta.concrete_fields
        if field.attname not in own and getattr(lead, field.attname) != getattr(by_hand, field.attname)
    } == {}
    line = LeadActivity.objects.get(lead=lead)
    assert (line.kind, line.actor, line.data) == ("added", OLGA, {"file": "leads.csv"})


def test_nobody_is_told_and_the_audit_has_two_entries(take: Upload) -> None:
    before = Event.objects.count()
    take(people(5))
    assert Event.objects.count() == before
    entries = AuditEntry.objects.filter(action__startswith="import.").order_by("id")
    assert [(entry.action, entry.changes.get("created")) for entry in entries] == [
        ("import.started", None),
        ("import.ended", [None, 5]),
    ]


def test_what_is_wrong_with_a_row_is_kept_with_the_row(take: Upload) -> None:
    made = take(
        HEADER
        + "Ada,+49 30 901820,ada@example.org,,\n"
        + ",12,nobody,,\n"
        + "\n"
        + '"Two\nlines",+49 30 901821,b@example.org,,Gardens\n'
        + "Too,+49 30 901822,c@example.org,x,,,more\n"
        + "Short,+49 30 901823\n"
    )
    assert counts(made) == (1, 0, 4)
    assert left_out(made) == [
        (3, [["name", "blank"], ["phone", "invalid_phone"], ["email", "invalid_email"]]),
        (5, [["name", "type"]]),
        (6, [["", "overflows"]]),
        (7, [["email", "blank"]]),
    ]
    assert next(iter(acts.left_out(made))).cells == ["", "12", "nobody", "", ""]


def test_lead_types_are_found_by_name_and_by_alias_and_unknown_ones_are_left_out(cast: Cast, take: Upload) -> None:
    aliases.add_alias(cast.acme.types[2], "Help")
    rows = ["", " SALES ", "help", "Gardens"]
    text = HEADER + "".join(f"P{n},+4930901820{n},p{n}@example.org,,{name}\n" for n, name in enumerate(rows))
    made = take(text)
    assert left_out(made) == [(5, [["lead_type_name", "unknown_lead_type"]])]
    found = Lead.objects.exclude(added_by=None).order_by("id").select_related("lead_type", "stage")
    assert [(lead.lead_type.name, lead.stage.name) for lead in found] == [
        ("General", "New"),
        ("Sales", "New"),
        ("Support", "New"),
    ]


def test_stage_owner_and_tag_go_for_all_and_count_as_no_work(cast: Cast, take: Upload) -> None:
    stage, agnes = cast.acme.types[1].stages.get(name="Qualified"), cast.agnes.memberships.get()
    text = HEADER + "Ada,+49 30 901820,a@example.org,,\nBob,+49 30 901821,b@example.org,,General\n"
    take(text, stage=stage.pk, owner=agnes.pk, tag="Fair 2026")
    ada, bob = Lead.objects.exclude(added_by=None).order_by("id")
    assert (ada.stage, ada.owner_id, ada.changed_at) == (stage, agnes.pk, None)
    assert (bob.stage.name, bob.stage.lead_type.name) == ("New", "General")
    assert LeadTag.objects.filter(tag__name="Fair 2026").count() == 2


def test_first_and_last_name_become_one_and_more_columns_go_into_the_message(take: Upload) -> None:
    text = "Vorname;Name;Tel;Mail;Firma;Nachricht;Budget\n"
    text += "Ada;Lovelace;+49 30 901820;a@example.org;Analytical;Hallo;\n"
    targets = ("first_name", "last_name", "phone", "email", "more", "message", "more")
    take(text, targets=targets)
    lead = Lead.objects.latest("id")
    assert (lead.name, lead.message) == ("Ada Lovelace", "Hallo\nFirma: Analytical")


@pytest.mark.parametrize("derived", [True, False])
def test_people_who_are_there_already_are_left_out_by_mail_or_phone(cast: Cast, take: Upload, derived: bool) -> None:
    casting.lead(cast.acme, email="test@example.org", phone="1234567", phone_e164=None, test=True)
    casting.lead(cast.next_door, email="door@example.org", phone="7654321", phone_e164=None)
    if derived:
        derive(100)
    rows = [
        "Grace,+49 30 901820,GRACE@example.com",
        "Hopper,(202) 555-0123 x,h@example.org",
        "Hopper,+1 (202) 555-0123,h@example.org",
        "New,+49 30 901821,new@example.org",
        "Again,+49 30 901822,New@example.org",
        "Again,+4930901821,again@example.org",
        "Test,+49 30 901823,test@example.org",
        "Door,+49 30 901824,door@example.org",
    ]
    made = take("name,phone,email\n" + "\n".join(rows))
    assert imported() == ["New", "Test", "Door"]
    assert left_out(made) == [
        (2, [["email", "same_email"]]),
        (3, [["phone", "invalid_phone"]]),
        (4, [["phone", "same_phone"]]),
        (6, [["email", "twice"]]),
        (7, [["phone", "twice"]]),
    ]
    assert counts(made) == (3, 4, 1)


def test_people_who_are_there_are_taken_where_that_is_wanted(take: Upload) -> None:
    text = "name,phone,email\nGrace,+12025550123,grace@example.com\nGrace,+12025550123,grace@example.com\n"
    assert counts(take(text, known="take")) == (2, 0, 0)


def test_an_export_can_be_taken_in_again_with_nothing_changed(cast: Cast, take: Upload) -> None:
    lead = cast.acme.lead
    Lead.objects.update(name="=HYPERLINK(1)", message='-5 °C, "quoted"\nline', phone="+49 (30) 90 18 20")
    text = "".join(export.csv_lines(export.that_match(cast.acme.workspace, Filters())))
    assert "'=HYPERLINK" in text
    take(text, known="take")
    made = Lead.objects.latest("id")
    lead.refresh_from_db()
    for field in ("name", "phone", "email", "message", "lead_type_id"):
        assert getattr(made, field) == getattr(lead, field)


def test_what_was_chosen_and_is_gone_by_now_is_said_before_the_start(cast: Cast, upload: Upload) -> None:
    sales, agnes = cast.acme.types[1], cast.agnes.memberships.get()
    made = upload(people(1), stage=sales.stages.get(name="New").pk, owner=agnes.pk)
    archive_lead_type(sales)
    agnes.deactivated_at = now_ms()
    agnes.save()
    with pytest.raises(ActionError) as refused:
        acts.start(made)
    assert sorted(refused.value.problems) == ["owner", "stage"]
    foreign = upload(people(1), stage=cast.next_door.types[0].stages.get(name="New").pk)
    with pytest.raises(ActionError):
        acts.start(foreign)


def test_without_the_columns_that_a_lead_needs_nothing_starts(upload: Upload) -> None:
    made = upload("name,company\nAda,Analytical\n")
    with pytest.raises(ActionError) as refused:
        acts.start(made)
    assert "phone number, the e-mail" in str(refused.value)


# The worker


def test_a_file_is_taken_slice_by_slice_in_its_order(take: Upload) -> None:
    made = take(people(10))
    assert (made.state, made.handled, made.total, counts(made)) == ("done", 10, 10, (10, 0, 0))
    assert imported() == [f"Person {n}" for n in range(10)]


@pytest.mark.parametrize("killed_at", range(4))
def test_a_worker_that_is_killed_loses_nothing_and_takes_nothing_twice(
    upload: Upload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    text = people(7) + "Again,+4930901820,P1@example.org,,\nBad,,x,,\n" + "Last,+49 30 555,last@example.org,,\n"
    made = acts.start(upload(text), OLGA)
    taker = Taker(tmp_path)
    for _ in range(killed_at):
        taker.work(3)
    with monkeypatch.context() as patch:
        # In the middle of a transaction: the leads are written, the rest is not.
        patch.setattr(taking, "_line", _killed)
        with pytest.raises(DatabaseError):
            taker.work(3)
    run(tmp_path)
    made.refresh_from_db()
    assert imported() == [*(f"Person {n}" for n in range(7)), "Last"]
    assert counts(made) == (8, 1, 1)
    assert ImportLine.objects.filter(lead_import=made).count() == made.total


def _killed(*_: object) -> None:
    raise DatabaseError("killed")


def test_a_second_worker_goes_on_where_the_first_one_is(upload: Upload, tmp_path: Path) -> None:
    acts.start(upload(people(9)), OLGA)
    first, second = Taker(tmp_path), Taker(tmp_path)
    first.work(2)
    second.work(2)
    first.work(2)
    second.work(2)
    run(tmp_path)
    assert imported() == [f"Person {n}" for n in range(9)]


def test_an_import_is_left_to_the_worker_that_has_its_file(upload: Upload, tmp_path: Path) -> None:
    made = acts.start(upload(people(2)), OLGA)
    elsewhere = tmp_path / "another-node"
    run(elsewhere)
    made.refresh_from_db()
    assert made.state == "waiting"
    LeadImport.objects.update(created_at=now_ms() - 2 * 86_400_000)
    run(elsewhere)
    made.refresh_from_db()
    assert (made.state, made.problem) == ("stopped", "file_gone")


def test_a_file_that_was_damaged_ends_the_import_with_what_was_taken(upload: Upload, tmp_path: Path) -> None:
    made = acts.start(upload(people(4).encode("utf-16")), OLGA)
    taker = Taker(tmp_path)
    path = files.folder(tmp_path) / made.path
    path.write_bytes(path.read_bytes()[:-1])
    while taker.work(2).more:
        pass
    made.refresh_from_db()
    assert (made.state, made.problem) == ("stopped", "unreadable")
    assert not path.exists()


def test_stopping_keeps_what_was_taken(upload: Upload, tmp_path: Path) -> None:
    made = acts.start(upload(people(9)), OLGA)
    taker = Taker(tmp_path)
    taker.work(4)
    acts.stop(made, OLGA, tmp_path)
    run(tmp_path)
    assert taker.work(4).rows == 0
    made.refresh_from_db()
    assert (made.state, len(imported())) == ("stopped", 4)
    assert not list(files.folder(tmp_path).iterdir())


def test_undo_puts_away_what_nobody_has_touched(cast: Cast, take: Upload, tmp_path: Path) -> None:
    made = take(people(7))
    leads = list(Lead.objects.exclude(added_by=None).order_by("id"))
    tags.tag(leads[2], "VIP")
    working.delete_lead(leads[3], OLGA)
    before = Event.objects.count()
    acts.undo(made, OLGA)
    run(tmp_path, size=2)
    made.refresh_from_db()
    assert (made.state, made.undone, made.created) == ("undone", 5, 7)
    assert imported() == ["Person 2"]
    assert DeletedLead.objects.count() == 6
    assert Event.objects.count() == before
    acts.undo(made, OLGA)
    run(tmp_path)
    assert imported() == ["Person 2"]
    working.restore(cast.acme.workspace, leads[0].public_id, OLGA)
    assert imported() == ["Person 0", "Person 2"]


def test_only_what_has_ended_not_too_long_ago_can_be_undone(upload: Upload, take: Upload) -> None:
    with pytest.raises(ActionError):
        acts.undo(acts.start(upload(people(2)), OLGA))
    made = take(people(3))
    LeadImport.objects.filter(pk=made.pk).update(ended_at=now_ms() - acts.KEPT_MS - 1)
    with pytest.raises(ActionError):
        acts.undo(made)


def test_what_has_begun_can_be_changed_no_more(upload: Upload) -> None:
    made = acts.start(upload(people(2)), OLGA)
    with pytest.raises(Conflict):
        acts.start(made)
    with pytest.raises(Conflict):
        acts.choose(made, Mapping.read(made.mapping))


# What is kept


def test_files_and_rows_go_when_their_time_is_over(upload: Upload, take: Upload, tmp_path: Path) -> None:
    made = take(people(5))
    waiting = upload(people(2))
    assert acts.expire(100) == 0
    LeadImport.objects.filter(pk=made.pk).update(ended_at=now_ms() - acts.KEPT_MS - 1)
    LeadImport.objects.filter(pk=waiting.pk).update(created_at=now_ms() - 86_400_001)
    assert [acts.expire(3), acts.expire(3), acts.expire(3), acts.expire(3)] == [4, 2, 1, 0]
    assert not ImportLine.objects.exists()
    assert not LeadImport.objects.exists()
    assert len(imported()) == 5


def test_of_files_that_nobody_starts_ten_are_kept(upload: Upload, tmp_path: Path) -> None:
    first = upload(people(1))
    for _ in range(10):
        upload(people(1))
    assert LeadImport.objects.count() == len(list(files.folder(tmp_path).iterdir())) == 10
    assert not LeadImport.objects.filter(pk=first.pk).exists()
