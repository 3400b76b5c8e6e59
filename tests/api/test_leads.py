"""What programs read of leads and do with them."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from stagewise.accounts.models import AuditEntry
from stagewise.endpoints.actions import add_endpoint
from stagewise.leads import notes, tags, working
from stagewise.leads.models import Lead, LeadActivity, LeadNote
from stagewise.leads.queries import as_dict
from stagewise.notify.models import Event
from tests.api.program import Program
from tests.support.cast import Cast, lead

pytestmark = pytest.mark.django_db

OfUser = Callable[..., Program]


@pytest.fixture
def program(cast: Cast, of_user: OfUser) -> Program:
    return of_user(cast.agnes)


def path(cast: Cast) -> str:
    return f"/leads/{cast.acme.lead.public_id}"


def names(program: Program, **query: Any) -> list[str]:
    answer = program.get(f"/leads?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.text
    return [each["name"] for each in answer.json["leads"]]


def test_a_lead_is_shown_as_everywhere_and_with_where_it_stands(cast: Cast, program: Program) -> None:
    answer = program.get(path(cast))
    shown = as_dict(cast.acme.lead)
    assert {name: answer.json[name] for name in shown} == shown
    more = {name: value for name, value in answer.json.items() if name not in shown}
    assert more == {
        "forwarded_by": None, "attribution": {}, "changed_at": None, "stage_kind": "open", "reason": None,
    }  # fmt: skip
    assert program.get("/leads").json["leads"] == [answer.json]


def test_every_filter_leaves_out_what_it_should(cast: Cast, program: Program) -> None:
    acme = cast.acme
    there = lead(acme, name="Ada", email="ada@example.org", lead_type=acme.types[1], endpoint=None, test=True)
    working.set_stage(there, acme.types[1].stages.get(name="Won"), "")
    working.assign(there, cast.agnes.memberships.get())
    tags.tag(there, "VIP")
    add_endpoint(acme.workspace, "Shop")
    for query, found in {
        "": ["Ada", "Grace Hopper"],
        "search=example.org": ["Ada"],
        "lead_type=sales": ["Ada"],
        "stage=new": ["Grace Hopper"],
        "stage=new&stage=won": ["Ada", "Grace Hopper"],
        "stage_kind=won": ["Ada"],
        "owner=AGNES@example.com": ["Ada"],
        "owner=me": ["Ada"],
        "owner=nobody": ["Grace Hopper"],
        "owner=anybody": ["Ada"],
        "endpoint=my+website": ["Grace Hopper"],
        "endpoint=Shop": [],
        "endpoint=-": ["Ada"],
        "tag=vip": ["Ada"],
        "test=true": ["Ada"],
        "test=false": ["Grace Hopper"],
        "sort=oldest": ["Grace Hopper", "Ada"],
        "sort=changed&lead_type=General": ["Grace Hopper"],
    }.items():
        answer = program.get(f"/leads?{query}")
        assert answer.status == 200, answer.text
        assert [each["name"] for each in answer.json["leads"]] == found, query


@pytest.mark.parametrize("zone", ["Z", "+00:00", "+05:30", " 05:30"])
def test_leads_are_found_by_the_exact_time_at_which_they_came(cast: Cast, program: Program, zone: str) -> None:
    Lead.objects.all().delete()
    moment = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
    first, second = (
        lead(cast.acme, name=name, created_at=int(moment.timestamp() * 1000) + plus)
        for name, plus in (("First", 0), ("Second", 1))
    )
    offset = datetime.timedelta(hours=5, minutes=30) if "05:30" in zone else datetime.timedelta()
    at = f"{moment + offset:%Y-%m-%dT%H:%M:%S}"
    query = f"created_since={at}.001{zone}"
    assert [each["name"] for each in program.get(f"/leads?{query}").json["leads"]] == [second.name]
    query = f"created_until={at}.001{zone}"
    assert [each["name"] for each in program.get(f"/leads?{query}").json["leads"]] == [first.name]
    assert names(program, created_since="2026-03-01", created_until="2026-03-02") == ["Second", "First"]
    assert names(program, created_since="2026-03-02") == []


def test_page_by_page_every_lead_comes_once(cast: Cast, program: Program) -> None:
    for number in range(6):
        lead(cast.acme, name=f"Lead {number}")
    for sort in ("newest", "oldest", "changed", "name", "due"):
        seen: list[str] = []
        cursor = ""
        for _page in range(10):
            answer = program.get("/leads?" + urlencode({"limit": 3, "sort": sort, "cursor": cursor}))
            seen += [each["id"] for each in answer.json["leads"]]
            cursor = answer.json["next_cursor"]
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 7, sort


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=WyJuYW1lIiwwLDEsMV0", "cursor"),
        ("sort=size", "sort"),
        ("stage_kind=x", "stage_kind"),
        ("stage=Nowhere", "stage"),
        ("lead_type=Nothing", "lead_type"),
        ("owner=nobody@example.com", "owner"),
        ("owner=stan@example.com", "owner"),
        ("endpoint=Nowhere", "endpoint"),
        ("tag=none", "tag"),
        ("test=perhaps", "test"),
        ("created_since=yesterday", "created_since"),
        ("created_since=2026-02-30", "created_since"),
        ("created_until=2026-01-01T10:00", "created_until"),
        ("created_until=0000-01-01", "created_until"),
        ("lead_typ=Sales", "lead_typ"),
        ("search=" + "x" * 201, "search"),
        ("stage=%00", "stage"),
        ("tag=%F0%9F%92%A9&tag=%00", "tag"),
    ],
)
def test_a_query_that_cannot_be_used_is_refused_and_says_where(program: Program, query: str, field: str) -> None:
    answer = program.get(f"/leads?{query}")
    assert (answer.status, answer.code) == (422, "invalid_parameters")
    assert answer.fields[0].split(".")[0] == field


def test_a_search_for_what_no_text_holds_finds_nothing(program: Program) -> None:
    assert program.get("/leads?search=%00").json == {"leads": [], "next_cursor": None}
    assert program.get("/leads?created_since=9999-12-31T23:59:59Z").json["leads"] == []
    assert program.get("/leads?created_until=0001-01-01").json["leads"] == []


def test_the_number_of_queries_does_not_grow_with_the_leads(
    cast: Cast, program: Program, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        tags.tag(lead(cast.acme, name=f"Lead {number}"), "VIP")
    with django_assert_max_num_queries(16):
        assert len(names(program)) == 31


# Changing


def test_stage_owner_and_tags_change_at_once_by_the_same_actions_as_in_the_console(
    cast: Cast, program: Program
) -> None:
    tags.tag(cast.acme.lead, "cold")
    body = {"stage": "won", "reason": "Ordered.", "owner": "Adam@example.com", "tags": ["VIP", "Berlin"]}
    answer = program.call("PATCH", path(cast), body)
    assert answer.status == 200, answer.text
    shown = {name: answer.json[name] for name in ("stage", "stage_kind", "reason", "owner", "tags")}
    assert shown == {
        "stage": "Won", "stage_kind": "won", "reason": "Ordered.", "owner": "adam@example.com",
        "tags": ["Berlin", "VIP"],
    }  # fmt: skip
    assert program.get(path(cast)).json == answer.json
    lines = LeadActivity.objects.filter(lead=cast.acme.lead, actor="agnes@example.com")
    assert set(lines.values_list("kind", flat=True)) == {"stage", "owner", "tags"}
    assert {"lead.stage_changed", "lead.assigned", "lead.updated"} <= set(Event.objects.values_list("kind", flat=True))
    entry = AuditEntry.objects.get(action="lead.worked_by_token")
    assert entry.changes == {"token": [None, f"Robot ({program.secret[:8]}…)"]}


def test_what_is_left_out_stays(cast: Cast, program: Program) -> None:
    program.call("PATCH", path(cast), {"owner": "adam@example.com", "tags": ["VIP"]})
    assert program.call("PATCH", path(cast), {"stage": "Contacted"}).json["owner"] == "adam@example.com"
    assert program.call("PATCH", path(cast), {"owner": None}).json["tags"] == ["VIP"]
    answer = program.call("PATCH", path(cast), {"tags": []})
    assert (answer.json["owner"], answer.json["tags"], answer.json["stage"]) == (None, [], "Contacted")
    unchanged = program.call("PATCH", path(cast), {})
    assert unchanged.json["changed_at"] == answer.json["changed_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"stage": "Nowhere"}, "stage"),
        ({"stage": None}, "stage"),
        ({"stage": 5}, "stage"),
        ({"owner": "stan@example.com"}, "owner"),
        ({"owner": "x"}, "owner"),
        ({"owner": ["agnes@example.com"]}, "owner"),
        ({"tags": "VIP"}, "tags"),
        ({"tags": [""]}, "tags"),
        ({"tags": ["x" * 61]}, "tags.0"),
        ({"tags": ["a\u0000b"]}, "tags"),
        ({"tags": [str(number) for number in range(31)]}, "tags"),
        ({"stage": "Won", "reason": "x" * 501}, "reason"),
        ({"stage": "Won", "reason": "\u0000"}, "reason"),
        ({"changed_at": "yesterday"}, "changed_at"),
        ({"changed_at": 5}, "changed_at"),
        ({"stages": "Won"}, "stages"),
        ({"name": "Somebody else"}, "name"),
        ([], ""),
        ("Won", ""),
        (None, ""),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_whole(cast: Cast, program: Program, body: Any, field: str) -> None:
    if isinstance(body, dict) and "stage" not in body:
        body = {"stage": "Contacted", **body}
    answer = program.call("PATCH", path(cast), b"null" if body is None else body)
    assert (answer.status, answer.code) == (422, "invalid_fields"), answer.text
    assert answer.fields == [field]
    assert answer.json["errors"][0]["pointer"] == ("/" + field.replace(".", "/") if field else "")
    assert program.get(path(cast)).json["stage"] == "New"
    assert not LeadActivity.objects.exists()


def test_a_change_of_what_the_program_has_not_seen_is_refused(cast: Cast, program: Program) -> None:
    first = program.get(path(cast))
    seen = {"changed_at": first.json["changed_at"]}
    assert (
        program.call("PATCH", path(cast), {"stage": "Contacted", **seen}, If_Match=first.headers["ETag"]).status == 200
    )
    late = program.call("PATCH", path(cast), {"stage": "Won", **seen})
    assert (late.status, late.code) == (409, "conflict")
    late = program.call("PATCH", path(cast), {"stage": "Won"}, If_Match=first.headers["ETag"])
    assert (late.status, late.code) == (412, "precondition_failed")
    now = program.get(path(cast))
    assert now.json["stage"] == "Contacted"
    right = program.call(
        "PATCH", path(cast), {"stage": "Won", "changed_at": now.json["changed_at"]}, If_Match=now.headers["ETag"]
    )
    assert (right.status, right.json["stage"]) == (200, "Won")
    assert right.headers["ETag"] == program.get(path(cast)).headers["ETag"]


@pytest.mark.parametrize("header", ['"abc"', 'W/"abc"', "abc", '"a", "b"', ","])
def test_an_if_match_that_names_something_else_is_refused(cast: Cast, program: Program, header: str) -> None:
    assert program.call("PATCH", path(cast), {"stage": "Won"}, If_Match=header).code == "precondition_failed"


def test_an_if_match_may_name_several_or_any(cast: Cast, program: Program) -> None:
    etag = program.get(path(cast)).headers["ETag"]
    assert program.call("PATCH", path(cast), {"stage": "Won"}, If_Match=f'"x", {etag}').status == 200
    assert program.call("PATCH", path(cast), {"stage": "Lost"}, If_Match="*").status == 200


# Notes, lead types


def test_a_note_is_written_in_the_members_name(cast: Cast, program: Program) -> None:
    answer = program.call("POST", f"{path(cast)}/notes", {"text": "  Call @adam@example.com.  "})
    assert (answer.status, answer.json["author"], answer.json["text"]) == (
        201, "agnes@example.com", "Call @adam@example.com.",
    )  # fmt: skip
    assert notes.unseen_mentions(cast.adam.memberships.get())[0].note_id == answer.json["id"]
    assert program.get(f"{path(cast)}/notes").json == {"notes": [answer.json], "next_cursor": None}


@pytest.mark.parametrize("text", ["", " \n ", "x" * 5001, "a\u0000b", 5, None])
def test_a_note_that_is_none_is_refused(cast: Cast, program: Program, text: Any) -> None:
    answer = program.call("POST", f"{path(cast)}/notes", {"text": text})
    assert (answer.status, answer.fields) == (422, ["text"])
    assert not LeadNote.objects.exists()


def test_notes_come_page_by_page_without_those_that_were_deleted(cast: Cast, program: Program) -> None:
    agnes = cast.agnes.memberships.get()
    made = [notes.add_note(cast.acme.lead, agnes, f"Note {number}") for number in range(5)]
    notes.delete_note(made[2], agnes)
    first = program.get(f"{path(cast)}/notes?limit=3").json
    second = program.get(f"{path(cast)}/notes?limit=3&cursor={first['next_cursor']}").json
    assert [each["text"] for each in first["notes"] + second["notes"]] == ["Note 4", "Note 3", "Note 1", "Note 0"]
    assert second["next_cursor"] is None
    assert program.get(f"{path(cast)}/notes?cursor=99999999999999999999").json["next_cursor"] is None
    for query in ("cursor=-1", "cursor=x", "limit=0", "page=2"):
        assert program.get(f"{path(cast)}/notes?{query}").code == "invalid_parameters"


def test_lead_types_come_with_their_stages(cast: Cast, program: Program) -> None:
    cast.acme.types[2].archived_at = 1
    cast.acme.types[2].save()
    shown = program.get("/lead-types").json["lead_types"]
    assert [(each["name"], each["default"]) for each in shown] == [("General", True), ("Sales", False)]
    assert shown[0]["stages"][0] == {"name": "New", "kind": "open"}
    assert len(program.get("/lead-types?archived=true").json["lead_types"]) == 3
