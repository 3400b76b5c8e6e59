"""What is said about the rows and columns of a file of leads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.leads.importing import columns, judging

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.utils.functional import _StrPromise

#: What a column can become.
TARGETS: Final[dict[str, _StrPromise]] = {
    columns.IGNORED: gettext_lazy("Leave it out"),
    columns.NAME: gettext_lazy("Name"),
    columns.FIRST: gettext_lazy("First name"),
    columns.LAST: gettext_lazy("Last name"),
    columns.PHONE: gettext_lazy("Phone"),
    columns.EMAIL: gettext_lazy("E-mail"),
    columns.MESSAGE: gettext_lazy("Message"),
    columns.MORE: gettext_lazy("Add to the message"),
    columns.LEAD_TYPE: gettext_lazy("Lead type"),
}

#: What is wrong with a field of a row; codes of stagewise/core/fields.py and of the judge.
_WRONG: Final[dict[str, _StrPromise]] = {
    "required": gettext_lazy("is missing"),
    "blank": gettext_lazy("is empty"),
    "too_long": gettext_lazy("is too long"),
    "type": gettext_lazy("holds characters that cannot be kept"),
    "invalid_email": gettext_lazy("is no valid address"),
    "invalid_phone": gettext_lazy("is no valid number"),
    judging.UNKNOWN_TYPE: gettext_lazy("is none of yours"),
}
#: What is wrong with a whole row, or why it was not needed.
_WHOLE: Final[dict[str, _StrPromise]] = {
    judging.OVERFLOWS: gettext_lazy("The row has more cells than there are columns"),
    judging.SAME_EMAIL: gettext_lazy("A lead with this e-mail address is there already"),
    judging.SAME_PHONE: gettext_lazy("A lead with this phone number is there already"),
    judging.TWICE: gettext_lazy("This person stands further up in the file"),
}
#: Why an import ended before its end.
_ENDED: Final[dict[str, _StrPromise]] = {
    "file_gone": gettext_lazy("The file is gone from the server; hand it in again."),
    "unreadable": gettext_lazy("The file could not be read to its end; hand it in again."),
}


def reasons(problems: Iterable[Sequence[Any]]) -> list[str]:
    """Problems as (field, code), each as a sentence without its full stop."""
    return [_said(str(field), str(code)) for field, code in problems]


def ended(problem: str) -> str:
    """Why an import ended early; empty when it did not."""
    return str(_ENDED[problem]) if problem in _ENDED else ""


def _said(field: str, code: str) -> str:
    if code in _WHOLE:
        return str(_WHOLE[code])
    # Translators: a field of a row and what is wrong with it: "E-mail is no valid address".
    return _("%(field)s %(wrong)s") % {"field": TARGETS.get(field, field), "wrong": _WRONG.get(code, code)}
