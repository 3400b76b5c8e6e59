"""What would become of the rows of a file: a lead; nothing, as that person is there already; or a line of the report.

The fields are checked by the rules of the public endpoint (stagewise/core/fields.py), the lead type is found as the
lane finds it. The preview and the worker ask the same judge, so that the preview is true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db.models import F

from stagewise.core import fields as core_fields
from stagewise.core.lead_types import key
from stagewise.leads.importing.mapping import SKIP
from stagewise.leads.models import Lead, LeadSearch, LeadType, LeadTypeAlias, Stage
from stagewise.leads.search import email_key, phone_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.accounts.models import Workspace
    from stagewise.leads.importing.files import Row
    from stagewise.leads.importing.mapping import Mapping

#: Of the leads that the worker has not made searchable yet, so many are compared one by one.
_FRESH_AT_MOST: Final = 2_000

#: Codes beside those of core: see stagewise/console/import_words.py.
OVERFLOWS, UNKNOWN_TYPE = "overflows", "unknown_lead_type"
SAME_EMAIL, SAME_PHONE, TWICE = "same_email", "same_phone", "twice"


class Keys(NamedTuple):
    """What a person is known by."""

    email: int
    phone: int | None


class Good(NamedTuple):
    """A row that makes a lead."""

    row: Row
    fields: core_fields.Fields
    phone_e164: str | None
    stage: Stage
    keys: Keys


class LeftOut(NamedTuple):
    """A row that makes none: ``same`` because that person is there, else for what is wrong, as (field, code)."""

    row: Row
    same: bool
    problems: list[tuple[str, str]]


class Judge:
    """Judges the rows of one file in their order; what it has seen before counts as there."""

    def __init__(self, workspace: Workspace, mapping: Mapping) -> None:
        self._workspace = workspace
        self._mapping = mapping
        self._emails: set[int] = set()
        self._phones: set[int] = set()
        self._stages = _Stages(workspace, mapping.stage)

    def judge(self, rows: Sequence[Row]) -> list[Good | LeftOut]:
        """What would become of these rows, which come after those judged before."""
        found = [self._alone(row) for row in rows]
        if self._mapping.known != SKIP:
            return found
        there = _there(self._workspace, [each.keys for each in found if isinstance(each, Good)])
        return [self._beside_others(each, there) if isinstance(each, Good) else each for each in found]

    def remember(self, row: Row) -> None:
        """Count this row as seen: it has made a lead before the worker was started again."""
        judged = self._alone(row)
        if isinstance(judged, Good):
            self._see(judged.keys)

    def _alone(self, row: Row) -> Good | LeftOut:
        checked = core_fields.check(self._mapping.fields(row.cells))
        problems = [("", OVERFLOWS)] if self._mapping.overflows(row.cells) else []
        if isinstance(checked, list):
            return LeftOut(row, same=False, problems=[*problems, *((each.field, each.code) for each in checked)])
        stage = self._stages.named(checked.lead_type_name)
        if stage is None:
            problems.append(("lead_type_name", UNKNOWN_TYPE))
        if problems or stage is None:
            return LeftOut(row, same=False, problems=problems)
        e164 = checked.phone_e164
        if e164 is None:
            e164, _valid = core_fields.phone_details(checked.phone, self._workspace.default_region or None)
        return Good(row, checked, e164, stage, Keys(email_key(checked.email), phone_key(checked.phone, e164)))

    def _beside_others(self, good: Good, there: tuple[set[int], set[int]]) -> Good | LeftOut:
        emails, phones = there
        email, phone = good.keys
        if email in self._emails or (phone is not None and phone in self._phones):
            return LeftOut(good.row, same=True, problems=[("email" if email in self._emails else "phone", TWICE)])
        if email in emails:
            return LeftOut(good.row, same=True, problems=[("email", SAME_EMAIL)])
        if phone is not None and phone in phones:
            return LeftOut(good.row, same=True, problems=[("phone", SAME_PHONE)])
        self._see(good.keys)
        return good

    def _see(self, keys: Keys) -> None:
        self._emails.add(keys.email)
        if keys.phone is not None:
            self._phones.add(keys.phone)


class _Stages:
    """In which stage a lead of a type begins: the chosen one where it is of that type, else the first."""

    def __init__(self, workspace: Workspace, chosen: int | None) -> None:
        types = list(LeadType.objects.filter(workspace=workspace, archived_at=None).order_by("position", "id"))
        first: dict[int, Stage] = {}
        picked: Stage | None = None
        for stage in Stage.objects.filter(workspace=workspace, archived_at=None).order_by("position", "id"):
            first.setdefault(stage.lead_type_id, stage)
            if stage.pk == chosen:
                picked = stage
        ids = {each.pk for each in types}
        if picked is not None and picked.lead_type_id in ids:
            first[picked.lead_type_id] = picked
        aliases = LeadTypeAlias.objects.filter(workspace=workspace, lead_type_id__in=ids)
        self._by_name = {alias.name_key: first[alias.lead_type_id] for alias in aliases if alias.lead_type_id in first}
        # The name of a type in use goes before an alias.
        self._by_name |= {each.name_key: first[each.pk] for each in types if each.pk in first}
        usual = picked.lead_type_id if picked is not None and picked.lead_type_id in ids else None
        self.default = first.get(usual if usual is not None else types[0].pk) if types else None

    def named(self, name: str | None) -> Stage | None:
        return self.default if name is None else self._by_name.get(key(name))


def _there(workspace: Workspace, keys: Sequence[Keys]) -> tuple[set[int], set[int]]:
    """Which of these e-mail addresses and phone numbers leads of the workspace have; test leads do not count."""
    emails, phones = {each.email for each in keys}, {each.phone for each in keys if each.phone is not None}
    known = LeadSearch.objects.filter(workspace_id=workspace.pk, lead__test=False)
    found_emails = set(known.filter(email_key__in=emails).values_list("email_key", flat=True)) if emails else set()
    by_phone = known.filter(phone_key__in=phones).values_list("phone_key", flat=True) if phones else ()
    found_phones = {phone for phone in by_phone if phone is not None}
    # The sum keeps planners from the index of all leads: fresh ones are few, and have an index of their own.
    fresh = Lead.objects.alias(of=F("workspace_id") + 0).filter(of=workspace.pk, derived_at=None, test=False)
    fresh = fresh.order_by("-id")
    for email, phone, e164 in fresh.values_list("email", "phone", "phone_e164")[:_FRESH_AT_MOST] if keys else ():
        found_emails.add(email_key(email))
        number = phone_key(phone, e164)
        if number is not None:
            found_phones.add(number)
    return found_emails, found_phones
