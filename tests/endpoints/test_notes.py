"""Notes beside allowed addresses: behind a ``#``, on the line of the entry."""

from __future__ import annotations

import pytest

from stagewise.endpoints import entries
from stagewise.endpoints.actions import RuleChanges, save_rules
from stagewise.endpoints.models import Endpoint
from tests.support.cast import Cast


def test_a_note_belongs_to_every_entry_of_its_line() -> None:
    text = "203.0.113.7 # web, Frankfurt\n10.0.0.1, 10.0.0.2;10.0.0.3  #  old  \n#nothing\n 192.0.2.1#"
    listed, notes = entries.split_noted(text)
    assert listed == ["203.0.113.7", "10.0.0.1", "10.0.0.2", "10.0.0.3", "192.0.2.1"]
    assert entries.kept_notes(notes) == {
        "203.0.113.7": "web, Frankfurt", "10.0.0.1": "old", "10.0.0.2": "old", "10.0.0.3": "old",
    }  # fmt: skip


def test_notes_are_kept_under_the_spelling_of_the_entry() -> None:
    assert entries.kept_notes({"10.1.2.3/8": "all", "nonsense": "x", "2001:DB8::1": "six"}) == {
        "10.0.0.0/8": "all",
        "2001:db8::1": "six",
    }


@pytest.mark.parametrize(("typed", "kept"), [("x" * 99, "x" * 60), ("a\x00b\u202ec\td", "abc d")])
def test_a_note_is_one_short_line(typed: str, kept: str) -> None:
    assert entries.kept_notes({"192.0.2.1": typed}) == {"192.0.2.1": kept}


def test_what_is_shown_is_read_back() -> None:
    listed, notes = ["203.0.113.7", "10.0.0.0/8"], {"10.0.0.0/8": "office # 2"}
    lines = entries.with_notes(listed, notes)
    assert lines == ["203.0.113.7", "10.0.0.0/8  # office # 2"]
    again, read = entries.split_noted("\n".join(lines))
    assert (again, entries.kept_notes(read)) == (listed, notes)


@pytest.mark.django_db
def test_notes_are_saved_and_stay_when_nobody_speaks_of_them(cast: Cast) -> None:
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7"], ip_notes={"203.0.113.7": "web"}))
    save_rules(cast.acme.endpoint, RuleChanges(allowed_ips=["203.0.113.7", "192.0.2.1"]))
    assert Endpoint.objects.get(pk=cast.acme.endpoint.pk).ip_notes == {"203.0.113.7": "web"}
