"""Makes the database as release 0.1.0 left it: its schema, a workspace with an endpoint, and leads.

Run with Django in an installation whose database is empty: ``installation.helper("earlier_release")``.
"""

from __future__ import annotations

import uuid

import django

LEADS = 40
KEY = "a-key-of-an-earlier-release"


def make() -> None:
    """Migrate to the first migrations of our apps, then fill in by their models."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    ours = {"accounts", "leads", "endpoints", "notify"}
    newest = [node for node in executor.loader.graph.leaf_nodes() if node[0] not in ours]
    targets = [*((app, "0001_initial") for app in sorted(ours)), *newest]
    executor.migrate(targets)
    models = executor.loader.project_state(targets).apps
    workspace = models.get_model("accounts", "Workspace").objects.create(name="Ours", slug="ours")
    lead_type = models.get_model("leads", "LeadType").objects.create(
        workspace=workspace, name="General", name_key="general", position=1
    )
    stage = models.get_model("leads", "Stage").objects.create(
        workspace=workspace, lead_type=lead_type, name="New", position=1
    )
    endpoint = models.get_model("endpoints", "Endpoint").objects.create(
        workspace=workspace, name="My website", allowed_ips=["127.0.0.1"], max_leads_per_ip=7, version=1
    )
    models.get_model("endpoints", "EndpointKey").objects.create(
        workspace=workspace, endpoint=endpoint, key=KEY, created_at=1
    )
    lead = models.get_model("leads", "Lead")
    lead.objects.bulk_create(
        lead(
            public_id=uuid.UUID(int=number), name=f"Visitor {number}", phone="+44 20 7946 0958",
            email=f"{number}@example.com", message="Hello", created_at=number, endpoint=endpoint, workspace=workspace,
            lead_type=lead_type, stage=stage,
        )
        for number in range(LEADS)
    )  # fmt: skip


if __name__ == "__main__":
    django.setup()
    make()
