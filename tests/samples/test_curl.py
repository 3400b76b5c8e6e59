"""The curl sample, run by the shell as pasted."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from stagewise import samples
from tests.samples.gate import Gate
from tests.samples.programs import environment, needed
from tests.support.installation import Installation


def run(url: str, folder: Path) -> subprocess.CompletedProcess[str]:
    needed("curl")
    script = folder / "send_lead.sh"
    script.write_text(samples.named("curl").text)
    settings = {samples.VARIABLE: url} if url else {}
    return subprocess.run(
        [needed("sh"), str(script)],
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_makes_a_lead_and_prints_the_answer(gate: Gate, installation: Installation, tmp_path: Path) -> None:
    done = run(gate.url, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["name"] == "Ada Lovelace"
    assert installation.count("lead") == 1


def test_it_tries_again_with_the_same_key(gate: Gate, installation: Installation, tmp_path: Path) -> None:
    gate.trouble = ["busy"]
    assert run(gate.url, tmp_path).returncode == 0
    first, second = (call.headers["idempotency-key"] for call in gate.calls)
    assert first == second
    assert installation.count("lead") == 1


def test_a_refusal_is_printed_and_is_a_failure(gate: Gate, installation: Installation, tmp_path: Path) -> None:
    installation.save_rules(allowed_ips=["203.0.113.7"])
    done = run(gate.url, tmp_path)
    assert done.returncode == 22
    assert json.loads(done.stdout)["code"] == "ip_not_allowed"
    assert gate.path not in done.stderr


def test_without_the_url_it_says_what_to_set(tmp_path: Path) -> None:
    done = run("", tmp_path)
    assert done.returncode != 0
    assert samples.VARIABLE in done.stderr
