"""What the script says, by the names under which it asks (assets/js/words.js): here, so that it is translated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: Name → words. A new line here is all that a module needs.
WORDS: Final[dict[str, _StrPromise]] = {
    "just_now": _("just now"),
    "copied": _("Copied"),
    "press_to_copy": _("Now press Ctrl+C"),
    "close": _("Close"),
    "mention_whom": _("Whom to mention"),
    # Translators: a number follows.
    "mention_found": _("Names to choose from with the arrow keys: %(count)s"),
    "show_keys": _("Show these keys"),
    "logged_out": _("You are logged out. What you typed is still here."),
    "log_in": _("Log in"),
    "marked": _("%(count)s marked"),
    "next_lead": _("Next lead"),
    "lead_before": _("Lead before"),
    "mark_lead": _("Mark the lead"),
    "next_stage": _("Move the lead to its next stage"),
    "open_lead": _("Open the lead"),
    "no_answer": _("The console gave no answer that fits here. Reload the page, then try again."),
    "passkey_cancelled": _("No passkey was used. Try again, or log in another way."),
    "passkey_there": _("This device has a passkey for your account already."),
    "passkey_failed": _("The passkey could not be used. Try again in a moment."),
    "export_begins": _("Beginning…"),
    "export_workbook": _("Making the workbook…"),
    "export_so_far": _("%(count)s of %(total)s leads"),
    "export_done": _("The file is ready: %(name)s"),
    "export_busy": _("Other exports are under way. Try again in a minute."),
    "no_connection": _("The console cannot be reached. Nothing was changed; try again in a moment."),
}


def as_json() -> str:
    """All words in the language of the request."""
    return json.dumps({name: str(words) for name, words in WORDS.items()}, ensure_ascii=False)
