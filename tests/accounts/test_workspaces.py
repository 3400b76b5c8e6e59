"""Several workspaces: who makes one, what it begins with, and its part of the URLs."""

from __future__ import annotations

import msgspec
import pytest
from pytest_django import Settings

from stagewise.accounts import workspaces
from stagewise.accounts.errors import ActionError
from stagewise.accounts.models import AuditEntry, Member, User, Workspace
from stagewise.endpoints.models import Endpoint
from stagewise.leads.models import LeadType
from stagewise.site import provision
from tests.support.cast import Cast

pytestmark = pytest.mark.django_db


def test_a_new_workspace_begins_with_lead_types_and_an_endpoint_that_refuses_everybody(cast: Cast) -> None:
    made = provision.new_workspace("Café Nord", cast.olga, time_zone="Europe/Berlin")
    assert (made.slug, made.time_zone) == ("cafe-nord", "Europe/Berlin")
    assert list(LeadType.objects.filter(workspace=made).values_list("name", flat=True)) == [
        "General",
        "Sales",
        "Support",
    ]
    endpoint = Endpoint.objects.get(workspace=made)
    assert (endpoint.name, endpoint.allow_all_ips, endpoint.allowed_ips) == ("My website", False, [])
    assert Member.objects.get(workspace=made).role == "owner"
    assert AuditEntry.objects.filter(workspace=made, actor="olga@example.com", action="member.joined").exists()


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Acme", "acme-2"),
        ("ACME!", "acme-2"),
        ("Acme Studio", "acme-studio"),
        ("日本", "workspace"),
        ("---", "workspace"),
        ("A" * 200, "a" * 50),
        ("Müller & Söhne GmbH", "muller-sohne-gmbh"),
    ],
)
def test_the_part_of_the_url_is_like_the_name_and_free(cast: Cast, name: str, slug: str) -> None:
    assert workspaces.free_slug(name) == slug


def test_the_same_name_again_gets_the_next_number(cast: Cast) -> None:
    slugs = [provision.new_workspace("Shop", cast.olga).slug for _ in range(3)]
    assert slugs == ["shop", "shop-2", "shop-3"]


@pytest.mark.parametrize(("name", "zone", "field"), [("", "", "name"), ("Shop", "Mars/Olympus", "time_zone")])
def test_what_is_wrong_makes_nothing(cast: Cast, name: str, zone: str, field: str) -> None:
    before = Workspace.objects.count()
    with pytest.raises(ActionError) as error:
        provision.new_workspace(name, cast.olga, time_zone=zone)
    assert list(error.value.problems) == [field]
    assert Workspace.objects.count() == before


def may(user: User) -> bool:
    try:
        workspaces.check_may_make(user)
    except ActionError:
        return False
    return True


def test_owners_make_workspaces_and_where_sign_up_is_open_everybody_does(cast: Cast, settings: Settings) -> None:
    everybody = (cast.olga, cast.adam, cast.agnes, cast.vera, cast.stan, cast.nora)
    assert [may(user) for user in everybody] == [True, False, False, False, True, False]
    Member.objects.filter(user=cast.stan).update(deactivated_at=1)
    assert not may(cast.stan)
    settings.OURS = msgspec.structs.replace(settings.OURS, signup="open")
    assert all(may(user) for user in everybody)


def test_nobody_fills_the_installation_with_workspaces(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspaces, "MOST_OWNED", 2)
    assert may(cast.olga)
    provision.new_workspace("Second", cast.olga)
    assert not may(cast.olga)
