"""What every table owes to the workspaces: whose row it is can be read from the row, or from the row that it hangs on.

That keeps one customer's world apart from another's in each query, and makes it possible to take a workspace out of
a database whole (docs/sharding.md).
"""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import ForeignKey, Model

#: Tables of the installation, with the reason why no workspace owns their rows.
OF_NO_WORKSPACE = {
    "workspace": "it is the workspace",
    "installation": "one row for all",
    "audit_entry": "what is done in a workspace names it; logging in is done in none",
    "lane_minute": "how fast a process was",
    "unknown_call": "calls with keys that belong to nobody",
    "console_cache": "passing notes of the console",
    "django_session": "people log in to the installation",
    "django_content_type": "Django's own",
    "auth_permission": "Django's own, unused",
    "auth_group": "Django's own, unused",
    "auth_group_permissions": "Django's own, unused",
    "user_account": "a person may belong to several workspaces",
    "user_account_groups": "Django's own, unused",
    "user_account_user_permissions": "Django's own, unused",
    "account_emailaddress": "a person's",
    "account_emailconfirmation": "a person's",
    "mfa_authenticator": "a person's",
    "usersessions_usersession": "a person's",
}
#: Rows of an endpoint that the lane keeps for minutes or days; they name it by number, without a foreign key.
OF_AN_ENDPOINT = {"captcha_pass", "seen_message"}
MODELS = {model._meta.db_table: model for model in apps.get_models(include_auto_created=True)}


def carries_workspace(model: type[Model]) -> bool:
    columns = {field.column: field for field in model._meta.fields}
    return "workspace_id" in columns and not columns["workspace_id"].null


def parent(model: type[Model]) -> str | None:
    """The table of a workspace on which every row of this one hangs."""
    for field in model._meta.fields:
        if isinstance(field, ForeignKey) and not field.null:
            table = field.target_field.model._meta.db_table
            if carries_workspace(MODELS[table]) or parent(MODELS[table]):
                return table
    return None


@pytest.mark.parametrize("table", sorted(MODELS.keys() - OF_NO_WORKSPACE.keys()))
def test_every_row_says_whose_it_is(table: str) -> None:
    model = MODELS[table]
    names = {field.column for field in model._meta.fields}
    assert carries_workspace(model) or parent(model) or (table in OF_AN_ENDPOINT and "endpoint_id" in names)


def test_no_table_is_excused_without_need() -> None:
    assert MODELS.keys() >= OF_NO_WORKSPACE.keys() | OF_AN_ENDPOINT
    assert [table for table in OF_NO_WORKSPACE if carries_workspace(MODELS[table])] == []


def test_what_the_lane_counts_and_finds_is_kept_apart_by_workspace_or_endpoint() -> None:
    for table in ("lead", "hit", "attempt", "event", "bound_key", "held_lead", "attempt_counter", "attempt_summary"):
        assert carries_workspace(MODELS[table]), table


def test_a_unique_rule_never_reaches_across_workspaces() -> None:
    """What is unique beside numbers and random ids is so within a workspace, or a row of one."""
    found = []
    for table in MODELS.keys() - OF_NO_WORKSPACE.keys():
        for constraint in MODELS[table]._meta.constraints:
            fields = getattr(constraint, "fields", ())
            columns = {str(field.column) for field in MODELS[table]._meta.fields if field.name in fields}
            if columns and not any(column.endswith("_id") for column in columns):
                found.append((table, columns))
    assert found == []
