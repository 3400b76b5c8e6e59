"""The documentation names every check, and no other."""

from __future__ import annotations

import re

from tests.support.shared import ROOT

PAGE = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")


def test_every_check_is_in_a_table_and_every_name_there_is_a_check() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "stagewise" / "doctor").glob("*.py")]
    checks = {name for source in sources for name in re.findall(r'Check\("(\w+)"', source)}
    section = PAGE.split("## What it looks at")[1].split("\n## ")[0]
    described = {
        name for row in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)
    }
    assert described == checks
