"""Thousands of bodies that are nearly right, or nearly wrong, from body to fields; a million in the long form."""

from __future__ import annotations

import os

import msgspec
import pytest

from stagewise.core import fields
from stagewise.core.fields import FieldError, Fields
from stagewise.core.json_body import decode, decode_carefully
from tests.core.mutations import SHORT, examine, mutants

SEED = int(os.environ.get("MUTATION_SEED", "20260"))
MANY = int(os.environ.get("MUTATIONS", "1000000"))


def broken(number: int) -> list[str]:
    """The mutants for which a promise is broken, with how; and some must get through whole, else nothing was tried."""
    found: list[str] = []
    accepted = 0
    for body in mutants(number, SEED):
        try:
            accepted += examine(body)
        except Exception as error:  # noqa: BLE001 - any is a finding
            found.append(f"{body!r}: {error!r}")
    assert number / 20 < accepted < number, accepted
    return found


@pytest.mark.parametrize("number", [20_000, pytest.param(MANY, marks=pytest.mark.soak)])
def test_a_mutated_body_is_refused_or_becomes_stable_fields_and_both_decoders_agree(number: int) -> None:
    assert broken(number)[:10] == []


def test_the_rows_themselves_keep_the_promises() -> None:
    assert sum(map(examine, SHORT)) > 100


def test_the_same_seed_makes_the_same_mutants() -> None:
    assert list(mutants(50, 1)) == list(mutants(50, 1)) != list(mutants(50, 2))


# Negative controls: what the examination must find


def test_a_decoder_that_takes_the_last_of_two_names_is_found() -> None:
    lenient = msgspec.json.Decoder(dict[str, object]).decode
    with pytest.raises(AssertionError, match="the decoders differ"):
        examine(b'{"name":"Ada","name":"Bob"}', decoder=lenient)


def test_a_decoder_that_accepts_less_is_found() -> None:
    def short(body: bytes) -> dict[str, object]:
        return decode(body[:20])

    assert decode_carefully(b'{"name":"Ada Lovelace"}')
    with pytest.raises(AssertionError, match="the decoders differ"):
        examine(b'{"name":"Ada Lovelace"}', decoder=short)


def test_a_rule_that_changes_what_it_has_normalised_is_found() -> None:
    def growing(raw: dict[str, object]) -> Fields | list[FieldError]:
        checked = fields.check(raw)
        return checked if isinstance(checked, list) else msgspec.structs.replace(checked, name=checked.name + "!")

    with pytest.raises(AssertionError):
        examine(b'{"name":"Ada","phone":"+442079460958","email":"ada@example.com"}', check=growing)
