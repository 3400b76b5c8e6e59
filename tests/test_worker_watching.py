"""The worker's part that watches: canaries in threads of theirs, figures for Prometheus, files that go with them."""

from __future__ import annotations

import json
import re
import threading
import uuid
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stagewise import settings
from stagewise.accounts.models import Workspace
from stagewise.calls import Calls
from stagewise.endpoints.models import Endpoint
from stagewise.notify.alerts import actions, rules
from stagewise.notify.channels import Outcome
from stagewise.notify.delivering import Tried
from stagewise.notify.models import Alert, Channel, Delivery, Event, Watch
from stagewise.site import provision
from stagewise.site.health import WithHealth
from stagewise.worker.metrics import Metrics
from stagewise.worker.watching import Watching

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def workspace(db: None) -> Workspace:
    return provision.first_run().workspace


def values(metrics: Metrics) -> dict[str, float]:
    """Samples of ours as ``name{label}`` → value."""
    families = text_string_to_metric_families(generate_latest(metrics.registry).decode())
    return {
        sample.name + "".join(f"{{{value}}}" for value in sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("stagewise_")
    }


def test_the_metrics_say_what_waits(workspace: Workspace, tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    place = {"workspace": workspace, "kind": "webhook", "target": "x", "created_at": 1}
    working = Channel.objects.create(**place, name="working")
    Channel.objects.create(**place, name="failing", failing_since=1)
    Channel.objects.create(**place, name="paused", failing_since=1, paused_at=2)
    Event.objects.create(workspace_id=workspace.pk, public_id=uuid.uuid4(), kind="lead.created", at=1)
    Delivery.objects.create(
        workspace_id=workspace.pk, channel=working, event_id=1, public_id=uuid.uuid4(), kind="x", at=1, next_at=1
    )
    Alert.objects.create(workspace=workspace, kind="disk", subject="a", raised_at=1)
    Alert.objects.create(workspace=workspace, kind="disk", subject="b", raised_at=1, resolved_at=2)
    endpoint = Endpoint.objects.get()
    actions.set_watch(endpoint, canary_minutes=5)
    Watch.objects.update(canary_last_at=1, canary_problem="It failed.")
    metrics.look()
    found = values(metrics)
    assert found["stagewise_outbox_events"] == 1
    assert found["stagewise_deliveries_waiting"] == 1
    assert found["stagewise_deliveries_late_seconds"] > 1_000
    assert [found[f"stagewise_channels{{{state}}}"] for state in ("working", "failing", "paused")] == [1, 1, 1]
    assert found["stagewise_alerts_open{disk}"] == 1
    assert found["stagewise_alerts_open{no_leads}"] == 0
    assert found["stagewise_canaries{failed}"] == 1
    assert found["stagewise_disk_free_bytes"] > 0


def test_tries_are_counted_by_outcome(tmp_path: Path) -> None:
    metrics = Metrics(tmp_path)
    for problem in ("", "", "The receiver answered 500."):
        metrics.note(Tried(Delivery(), Outcome(problem=problem), 0, 0))
    found = values(metrics)
    assert found["stagewise_deliveries_total{delivered}"] == 2
    assert found["stagewise_deliveries_total{failed}"] == 1


def test_watching_looks_and_ends_when_it_is_told_to(workspace: Workspace, tmp_path: Path) -> None:
    counted: list[str] = []
    stop = threading.Event()
    watching = Watching(stop, tmp_path, lambda job, _: counted.append(job), stop.set)
    watching.run()
    assert counted == ["watch"]


def test_a_mistake_of_ours_does_not_end_all_watching(workspace: Workspace, tmp_path: Path) -> None:
    looks = []

    class Stop(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            looks.append(timeout)
            if len(looks) == 2:
                self.set()
            watching._look_at = 0.0
            return self.is_set()

    def stumble() -> None:
        raise RuntimeError("a mistake of ours")

    watching = Watching(Stop(), tmp_path, lambda job, count: None, stumble)
    watching.run()
    assert len(looks) == 2


# What goes with the metrics


def known_names(tmp_path: Path) -> set[str]:
    """Every metric of ours that a process can show."""
    lane = Calls()
    lane.outcomes["created"] += 1
    metrics = Metrics(tmp_path)
    metrics.look()
    metrics.count("watch", 1)
    metrics.errors.labels("prune").inc()
    console = WithHealth(lambda environ, start: [], settings.load({"STAGEWISE_DATA_DIR": str(tmp_path)}))
    console._answers.labels("200").inc()
    registries = (metrics.registry, console._health._registry)
    console.close()
    text = lane.metrics(0, 0).decode() + "".join(generate_latest(registry).decode() for registry in registries)
    return {name for name in re.findall(r"^(\w+)", text, re.MULTILINE) if name != "_"}


def used_in(path: Path) -> set[str]:
    return set(re.findall(r"\bstagewise_\w+", path.read_text()))


@pytest.mark.parametrize("name", ["prometheus/alerts.yml", "grafana/stagewise.json"])
def test_rules_and_dashboard_ask_for_metrics_that_exist(name: str, workspace: Workspace, tmp_path: Path) -> None:
    used = used_in(ROOT / "deploy" / name)
    assert len(used) > 5
    assert used <= known_names(tmp_path)


def test_every_metric_is_explained(workspace: Workspace, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    ours = {
        re.sub(r"_(bucket|count|sum)$", "", name)
        for name in known_names(tmp_path)
        if name.startswith("stagewise_") and not name.endswith("_created")
    }
    assert {name for name in ours if f"| `{name}` |" not in page} == set()


def test_every_alert_is_explained_with_its_figures() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    assert [kind for kind in rules.KINDS if f"`{kind}`" not in page] == []
    for figure in rules.BOUNDS:
        assert f"`--{figure.replace('_', '-')}`" in page


def test_the_dashboard_is_one_that_grafana_can_read() -> None:
    board = json.loads((ROOT / "deploy" / "grafana" / "stagewise.json").read_text())
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    assert all(target["expr"] for panel in board["panels"] for target in panel.get("targets", []))
