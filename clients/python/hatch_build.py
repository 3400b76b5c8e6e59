# ruff: noqa: INP001 - a script of the build, of no package
"""What is added when the distribution is built: the form's script, which the relay serves.

It is a file of the server's (stagewise/forms/form.js), and there is only one of it. In a source tree the relay finds it
there; a wheel brings it along.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "stagewise_client/relay/form.js"


class FormScript(BuildHookInterface[Any]):
    """Adds the script to wheel and source distribution; one built from the latter has it already."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects the files."""
        root = Path(self.root)
        if version != "editable" and not (root / INSIDE).exists():
            build_data["force_include"][str(root.parents[1] / "stagewise" / "forms" / "form.js")] = INSIDE
