"""docs/webhooks.md says what is true: its programs run, its example looks like what is sent."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from stagewise.accounts.models import Workspace
from stagewise.leads.models import LeadAttribution
from stagewise.notify import outbox, schedule
from stagewise.notify.channels.webhook import signing
from stagewise.notify.models import Delivery
from stagewise.notify.payloads import payload
from tests.notify.workbench import NOON, add_lead

PAGE = (Path(__file__).parents[3] / "docs" / "webhooks.md").read_text(encoding="utf-8")
NAME = "0199c6a1-7c00-7cc3-9d6c-8a1f4b1f8d11"
BODY = '{"type": "test", "text": "Zoë"}'

#: Calls ``verified`` with what stands in the argument, and says what came of it.
_RUN = {
    "python": "import sys\ngiven = __import__('json').loads(sys.argv[1])\n"
    "print(verified(given['body'].encode(), given['headers'], given['secret'])['text'])\n",
    "js": "const given = JSON.parse(process.argv[2]);\n"
    "console.log(verified(Buffer.from(given.body), given.headers, given.secret).text);\n",
}


def programs(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)


def run(language: str, program: str, folder: Path, **given: Any) -> subprocess.CompletedProcess[str]:
    file = folder / {"python": "verify.py", "js": "verify.cjs"}[language]
    file.write_text(program + _RUN[language], encoding="utf-8")
    command = [sys.executable] if language == "python" else ["node"]
    return subprocess.run(
        [*command, str(file), json.dumps(given)], capture_output=True, encoding="utf-8", check=False, timeout=60
    )


def test_there_are_programs_in_both_languages() -> None:
    assert [len(programs(language)) for language in ("python", "js")] == [2, 1]


@pytest.mark.parametrize(("language", "which"), [("python", 0), ("python", 1), ("js", 0)])
def test_the_programs_take_what_is_signed_and_refuse_the_rest(language: str, which: int, tmp_path: Path) -> None:
    if language == "js" and shutil.which("node") is None:
        pytest.skip("Node is not there")
    secret, old, now = signing.new_secret(), signing.new_secret(), int(time.time())
    program = programs(language)[which]
    good = signing.headers(NAME, now, BODY.encode(), [secret])
    rotated = signing.headers(NAME, now, BODY.encode(), [signing.new_secret(), secret])
    for headers in (good, rotated):
        taken = run(language, program, tmp_path, body=BODY, headers=headers, secret=secret)
        assert (taken.stdout.strip(), taken.returncode) == ("Zoë", 0), taken.stderr
    for body, headers, key in [
        (BODY.replace("Zoë", "Zoe"), good, secret),
        (BODY, good, old),
        (BODY, good | {"webhook-timestamp": str(now + 1)}, secret),
        (BODY, signing.headers(NAME, now - 3_600, BODY.encode(), [secret]), secret),
    ]:
        assert run(language, program, tmp_path, body=body, headers=headers, secret=key).returncode != 0


@pytest.mark.django_db
def test_the_example_has_the_fields_that_are_sent(workspace: Workspace) -> None:
    endpoint = workspace.endpoints.first()
    lead = add_lead(workspace, endpoint=endpoint, message="Please call me.", phone_e164="+442079460958")
    LeadAttribution.objects.create(lead=lead, workspace_id=workspace.pk, page_url="https://x.example", utm_source="a")
    of_lead = {"lead_id": lead.pk, "data": {"lead": str(lead.public_id)}}
    sent = payload(Delivery(workspace_id=workspace.pk, public_id=NAME, kind=outbox.CREATED, at=NOON, **of_lead))
    (shown,) = (json.loads(each) for each in re.findall(r"^```json\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL))
    assert [list(shown), list(shown["data"])] == [list(sent), list(sent["data"])]
    assert list(shown["data"]["attribution"]) == list(sent["data"]["attribution"])


def test_every_kind_of_event_is_listed() -> None:
    table = PAGE.split("## What arrives")[1].split("\n## ")[0]
    listed = [
        kind for row in re.findall(r"^\| (`.+?) \|", table, re.MULTILINE) for kind in re.findall(r"`([a-z_.]+)`", row)
    ]
    assert listed == ["type", *outbox.KINDS, outbox.TEST]


def test_the_schedule_is_told_as_it_is() -> None:
    said = re.search(r"Tries are made at once, then after (.+?), each time", PAGE, re.DOTALL)
    assert said is not None
    units = {"seconds": 1, "minutes": 60, "hours": 3_600}
    told = [int(number) * units[unit] for number, unit in re.findall(r"(\d+) (seconds|minutes|hours)", said[1])]
    assert tuple(told) == schedule.DELAYS_S
