"""What is said of browsers, and of what happened to an account."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

#: The first that fits: nearly all browsers also call themselves Chrome and Safari.
_BROWSERS: Final = (
    (r"\bEdg(e|A|iOS)?/", "Edge"),
    (r"\b(OPR|Opera)/", "Opera"),
    (r"\bVivaldi/", "Vivaldi"),
    (r"\bSamsungBrowser/", "Samsung Internet"),
    (r"\b(Firefox|FxiOS)/", "Firefox"),
    (r"\b(Chrome|CriOS|HeadlessChrome)/", "Chrome"),
    (r"\bSafari/", "Safari"),
    (r"\bcurl/", "curl"),
)
_SYSTEMS: Final = (
    (r"\biPhone\b", "iPhone"),
    (r"\biPad\b", "iPad"),
    (r"\bAndroid\b", "Android"),
    (r"\bWindows\b", "Windows"),
    (r"\bCrOS\b", "ChromeOS"),
    (r"\bMac OS X\b", "macOS"),
    (r"\bLinux\b", "Linux"),
)
#: Action of an audit entry → what happened, to the person whose account it is.
_HAPPENED: Final[dict[str, _StrPromise]] = {
    "login.ok": gettext_lazy("Logged in"),
    "logout": gettext_lazy("Logged out"),
    "password.changed": gettext_lazy("Password changed"),
    "factors.totp_added": gettext_lazy("Authenticator app set up"),
    "factors.totp_removed": gettext_lazy("Authenticator app taken away"),
    "factors.webauthn_added": gettext_lazy("Passkey added"),
    "factors.webauthn_removed": gettext_lazy("Passkey removed"),
    "factors.recovery_codes_added": gettext_lazy("Recovery codes made"),
    "factors.recovery_codes_renewed": gettext_lazy("New recovery codes made"),
    "factors.recovery_codes_removed": gettext_lazy("Recovery codes taken away"),
}


def device(user_agent: str) -> str:
    """A browser by what it says of itself: "Firefox on Linux"."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        # Translators: "Firefox on Linux".
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("A browser that does not say its name")


def happened(action: str) -> str:
    """What happened to an account, in words."""
    return str(_HAPPENED.get(action, action))


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for pattern, name in known if re.search(pattern, user_agent)), "")
