"""The mail that tells somebody that the way into their account was changed: had it been another, they would know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from stagewise.accounts.models import User

#: What allauth calls the mails that it would send → what happened.
HAPPENED: Final = {
    "account/email/password_changed": gettext_lazy("The password was changed."),
    "account/email/password_reset": gettext_lazy("The password was set anew by a link from a mail."),
    "account/email/password_set": gettext_lazy("A password was set."),
    "mfa/email/totp_activated": gettext_lazy("An authenticator app was set up: logging in takes a code from it now."),
    "mfa/email/totp_deactivated": gettext_lazy("The authenticator app was taken away."),
    "mfa/email/recovery_codes_generated": gettext_lazy("New recovery codes were made; the old ones no longer work."),
    "mfa/email/webauthn_added": gettext_lazy("A passkey was added."),
    "mfa/email/webauthn_removed": gettext_lazy("A passkey was removed."),
}


def send(user: User, about: str, address: str) -> None:
    """Tell the user in their language, in the background; ``address`` is where it was done from."""
    happened = HAPPENED.get(about)
    if happened is None:
        return
    with translation.override(user.language or translation.get_language() or settings.LANGUAGE_CODE):
        values = {
            "account": user.email,
            "happened": happened,
            "when": date_format(timezone.now(), "j F Y, H:i T"),
            "address": address,
            "link": str(settings.CONSOLE_URL) + reverse("account_reset_password"),
        }
        body = (
            _(
                "%(happened)s\n"
                "\n"
                "Account: %(account)s\n"
                "When: %(when)s\n"
                "From: %(address)s\n"
                "\n"
                "If it was not you, set a new password at once, and look at the sessions of your account:\n"
                "%(link)s"
            )
            % values
        )
        subject = _("Your account at Stagewise was changed")
    headers = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    get_connection().send_messages([EmailMessage(subject, body + "\n", to=[user.email], headers=headers)])
