"""Calls made from the published OpenAPI document, and answers held against it, over the wire, by Schemathesis.

Schemathesis is installed in an environment of its own (requirements/fuzz.in), so these belong to the long form.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.installation import Installation
from tests.support.processes import request
from tests.support.shared import ROOT

pytestmark = [pytest.mark.soak, pytest.mark.parametrize("engine", ["sqlite"])]

PROGRAM = ROOT / ".cache" / "fuzz-venv" / "bin" / "schemathesis"
#: Not those that want every wrong request refused and every right one taken: what is extra may be wrong, a right call
#: may be over the limit, and `Stagewise-Test` asks for refusals.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "unsupported_method", "allow_header_conformance",
)  # fmt: skip


def called(installation: Installation, folder: Path, *without: str) -> tuple[int, str]:
    """Call the endpoint as its document says, less these statuses of a POST; the exit code and what was printed."""
    installation.save_rules(allow_all_ips=True, max_leads_per_ip=50)
    port = installation.intake().port
    document: dict[str, Any] = request(port, "GET", "/openapi.json").json()
    for status in without:
        del document["paths"]["/public/v1/leads/{endpoint_key}"]["post"]["responses"][status]
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "schemathesis.toml").write_text(
        f'[parameters]\n"path.endpoint_key" = "{installation.key}"\n'
        '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", 503]\n'
    )
    done = subprocess.run(
        [PROGRAM, "--config-file", "schemathesis.toml", "run", "openapi.json", "--url", f"http://127.0.0.1:{port}",
         "--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing", "--max-examples", "300",
         "--seed", "1", "--continue-on-failure", "--no-color"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_endpoint_answers_as_its_document_says(installation: Installation, tmp_path: Path) -> None:
    code, printed = called(installation, tmp_path)
    assert code == 0, printed
    assert "Tested: 3" in printed, printed


def test_an_answer_that_is_not_in_the_document_is_noticed(installation: Installation, tmp_path: Path) -> None:
    code, printed = called(installation, tmp_path, "422")
    assert code == 1, printed
    assert "Undocumented status code" in printed, printed
