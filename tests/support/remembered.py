"""Rows that many tests begin with: made once by the actions of the product, then put back as they were."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import Model
from django.db.models.sql import InsertQuery

T = TypeVar("T")

#: How old rows may be that are put back, in seconds: to the pages that show them they have come just now.
FRESH_S = 5


class _Made(NamedTuple):
    at: float
    #: As pickle has it: every test gets objects of its own.
    result: bytes
    #: Statements with their parameters that insert the rows.
    inserts: list[tuple[str, Any]]


_made: dict[Callable[[], Any], _Made] = {}


def remembered(make: Callable[[], T]) -> T:
    """What ``make`` returns, with the rows that it adds to the database; they are made anew every few seconds.

    It must add rows and change none that were there. Where their ids are taken, it is called again as well.
    """
    known = _made.get(make)
    if known and 0 <= time.time() - known.at < FRESH_S:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                for statement, parameters in known.inserts:
                    cursor.execute(statement, parameters)
        except IntegrityError:
            return make()
        put_back: T = pickle.loads(known.result)
        return put_back
    there = {model: set(model._base_manager.values_list("pk", flat=True)) for model in _models()}
    result = make()
    inserts = [insert for model, pks in there.items() for insert in _inserts(model, pks)]
    _made[make] = _Made(time.time(), pickle.dumps(result), inserts)
    return result


def _models() -> list[type[Model]]:
    return [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]


def _inserts(model: type[Model], there: set[Any]) -> list[tuple[str, Any]]:
    """What inserts the rows of this model that were not there."""
    added = list(model._base_manager.exclude(pk__in=there))
    if not added:
        return []
    query = InsertQuery(model)
    query.insert_values([field for field in model._meta.concrete_fields if not field.generated], added, raw=True)
    return list(query.get_compiler(connection=connection).as_sql())
