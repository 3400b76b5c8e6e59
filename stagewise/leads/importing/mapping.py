"""What people choose for a file: which column holds what, and what goes for all leads of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Self

from django.utils.translation import gettext as _

from stagewise.leads.importing.columns import (
    EMAIL,
    FIRST,
    IGNORED,
    LAST,
    LEAD_TYPE,
    MESSAGE,
    MORE,
    NAME,
    PHONE,
    TARGETS,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stagewise.leads.importing.files import Form

#: What becomes of people who are there already.
SKIP, TAKE = "skip", "take"


@dataclass(frozen=True)
class Mapping:
    """How a file is read (a :class:`stagewise.leads.importing.files.Form` without its total), and what was chosen."""

    encoding: str
    separator: str
    header: tuple[str, ...]
    #: A target for each column.
    targets: tuple[str, ...]
    #: Row ids of what goes for all leads of the file; None: the usual first stage, nobody.
    stage: int | None = None
    owner: int | None = None
    #: A tag for all of them; empty: none.
    tag: str = ""
    known: str = SKIP

    @classmethod
    def of(cls, form: Form, targets: Sequence[str]) -> Self:
        """A file's first mapping: the columns as they were guessed."""
        return cls(form.encoding, form.separator, tuple(form.header), tuple(targets))

    @classmethod
    def read(cls, kept: dict[str, Any]) -> Self:
        """The mapping as :meth:`as_json` made it."""
        return cls(**{**kept, "header": tuple(kept["header"]), "targets": tuple(kept["targets"])})

    def as_json(self) -> dict[str, Any]:
        """The mapping as the database keeps it."""
        return asdict(self)

    def with_targets(self, targets: Sequence[str]) -> Self:
        """The same file with other targets; what is no target counts as ignored."""
        known = [target if target in TARGETS else IGNORED for target in targets]
        return replace(self, targets=tuple((*known, *[IGNORED] * len(self.header))[: len(self.header)]))

    def problems(self) -> dict[str, list[str]]:
        """What is wrong with it, by target or column; empty: leads can be made of it."""
        found: dict[str, list[str]] = {}
        missing = []
        if not {NAME, FIRST, LAST} & set(self.targets):
            missing.append(_("the name"))
        if PHONE not in self.targets:
            missing.append(_("the phone number"))
        if EMAIL not in self.targets:
            missing.append(_("the e-mail address"))
        if missing:
            said = _("A lead needs a name, a phone number and an e-mail address. Choose the column of: %s.")
            found[""] = [said % ", ".join(missing)]
        for place, target in enumerate(self.targets):
            if target not in {IGNORED, MORE} and target in self.targets[:place]:
                found[f"column-{place}"] = [_("Another column above is chosen for this already.")]
            if target in {FIRST, LAST} and NAME in self.targets:
                found[f"column-{place}"] = [_("There is a column for the whole name already.")]
        return found

    def fields(self, cells: Sequence[str]) -> dict[str, object]:
        """The fields of the public endpoint that a row holds, unchecked."""
        there = {target: _cell(cells, place) for place, target in enumerate(self.targets) if target}
        name = there.get(NAME, " ".join(filter(None, (there.get(FIRST, "").strip(), there.get(LAST, "").strip()))))
        return {
            NAME: name,
            PHONE: there.get(PHONE, ""),
            EMAIL: there.get(EMAIL, ""),
            MESSAGE: self._message(there.get(MESSAGE, ""), cells),
            LEAD_TYPE: there.get(LEAD_TYPE, "").strip() or None,
        }

    def overflows(self, cells: Sequence[str]) -> bool:
        """Whether the row has cells beyond the header: a separator within a text, mostly."""
        return any(cell.strip() for cell in cells[len(self.header) :])

    def _message(self, text: str, cells: Sequence[str]) -> str | None:
        """The message, and below it a line for each column that is added to it."""
        more = [
            f"{self.header[place]}: {cell.strip()}"
            for place, target in enumerate(self.targets)
            if target == MORE and (cell := _cell(cells, place)).strip()
        ]
        return "\n".join(filter(None, (text.strip(), *more))) or None


def _cell(cells: Sequence[str], place: int) -> str:
    return cells[place] if place < len(cells) else ""
