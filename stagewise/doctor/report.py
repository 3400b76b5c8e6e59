"""What the doctor found, as values: for people, and as JSON for programs."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "warning", "failed", "skipped"]

_SIGNS: dict[State, str] = {"ok": "ok     ", "warning": "WARNING", "failed": "FAILED ", "skipped": "skipped"}
_WIDTH = 100


@dataclass(frozen=True)
class Finding:
    """What one check has seen. ``todo`` is empty where there is nothing to do."""

    #: Stable, for programs: ``valid_data``.
    check: str
    #: For people: ``Valid data``.
    title: str
    state: State
    seen: str
    todo: str = ""


@dataclass(frozen=True)
class Check:
    """The name of a check, from which its findings are made. ``seen`` and ``todo`` are sentences."""

    name: str
    title: str

    def ok(self, seen: str) -> Finding:
        """All is well."""
        return Finding(self.name, self.title, "ok", seen)

    def warning(self, seen: str, todo: str) -> Finding:
        """Somebody should look, but leads arrive."""
        return Finding(self.name, self.title, "warning", seen, todo)

    def failed(self, seen: str, todo: str) -> Finding:
        """This must be mended."""
        return Finding(self.name, self.title, "failed", seen, todo)

    def skipped(self, seen: str, todo: str = "") -> Finding:
        """This could not be tried."""
        return Finding(self.name, self.title, "skipped", seen, todo)


@dataclass
class Report:
    """All findings about one URL, in the order of the checks."""

    #: The URL, without the key: reports end up in logs and tickets.
    url: str
    #: ``endpoint``, ``relay`` or ``unknown``.
    kind: str = "unknown"
    findings: list[Finding] = field(default_factory=list)
    #: How many test leads the checks have made.
    test_leads: int = 0

    @property
    def failed(self) -> bool:
        """Whether something must be mended before going live: exit status 1."""
        return any(finding.state == "failed" for finding in self.findings)

    def as_dict(self) -> dict[str, Any]:
        """The report as ``--json`` prints it."""
        counts = {state: sum(each.state == state for each in self.findings) for state in _SIGNS}
        return {
            "url": self.url,
            "kind": self.kind,
            "result": "failed" if self.failed else "ok",
            "counts": counts,
            "test_leads": self.test_leads,
            "findings": [vars(each) for each in self.findings],
        }

    def as_text(self) -> str:
        """The report for a person: one paragraph for each finding, and a last line that sums it up."""
        blocks = [f"{_KINDS[self.kind]} at {self.url}", *map(_paragraph, self.findings), self._summary()]
        return "\n\n".join(blocks)

    def _summary(self) -> str:
        counts = self.as_dict()["counts"]
        parts = [f"{count} {_counted(state, count)}" for state, count in counts.items() if count]
        made = ""
        if self.test_leads:
            leads = "one test lead was" if self.test_leads == 1 else f"{self.test_leads} test leads were"
            made = f" {leads.capitalize()} made; Stagewise removes test leads after 7 days."
        return f"{', '.join(parts)}.{made}"


def _counted(state: str, count: int) -> str:
    return "warnings" if state == "warning" and count > 1 else state


_KINDS = {"endpoint": "A Stagewise endpoint", "relay": "A relay", "unknown": "Something unknown"}


def _paragraph(finding: Finding) -> str:
    lines = [f"{_SIGNS[finding.state]}  {finding.title}", *_wrapped(finding.seen, "         ")]
    if finding.todo:
        lines += _wrapped(f"→ {finding.todo}", "         ")
    return "\n".join(lines)


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
