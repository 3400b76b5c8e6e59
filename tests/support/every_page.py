"""Prints the path of every page that the installation of the environment has: ``python -m tests.support.every_page``.

The pages are those of tests/console/routes.py, so a new route is visited without another word. :data:`MORE` are pages
again with something in the query: what is searched, filtered, empty, or opened.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from tests.support.cast import Place

#: Below the workspace. Whoever builds a page adds the states of it that look different.
MORE = (
    "leads/?q=nobody-has-this-name",
    "leads/held/?state=discarded",
    "logs/?outcome=refused",
    "monitoring/?period=7d",
    "channels/1/?state=failed",
    "channels/add/webhook/",
    "channels/add/telegram/",
    "help/errors/rate_limited/",
)


def main() -> None:
    """A JSON object: for whom (``member``, ``anybody``) → paths."""
    django.setup()
    from django.urls import NoReverseMatch, reverse

    from tests.console import routes

    there = _place()
    listed = [routes.path(name, there) for name, route in routes.OF_A_WORKSPACE.items() if route.read]
    for name in sorted(routes.OF_A_PERSON):
        try:
            listed.append(reverse(name))
        except NoReverseMatch:
            continue
    more = [f"/w/{there.workspace.slug}/{path}" for path in MORE]
    anybody = [*routes.OPEN.values(), "/nothing/"]
    json.dump({"member": [*listed, *more, "/logout/"], "anybody": anybody}, sys.stdout)


def _place() -> Place:
    """The first workspace as the table of routes wants it."""
    from stagewise.accounts.models import Workspace
    from stagewise.endpoints.models import Endpoint
    from stagewise.leads.models import HeldLead, Lead, LeadType
    from tests.support.cast import Place

    workspace = Workspace.objects.order_by("id")[0]
    # What a lead can have, this one has (tests/support/studio.py).
    lead = Lead.objects.filter(workspace=workspace, name="Ada Lovelace").first()
    return Place(
        workspace=workspace,
        endpoint=Endpoint.objects.filter(workspace=workspace)[0],
        types=list(LeadType.objects.filter(workspace=workspace)),
        lead=lead or Lead.objects.filter(workspace=workspace).latest("id"),
        held=HeldLead.objects.filter(workspace=workspace).latest("id"),
    )


if __name__ == "__main__":
    main()
