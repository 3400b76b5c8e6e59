"""How do you call it? The two ways of the guide, and what each sets in the fields of the page; nothing is saved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django_stubs_ext import StrPromise


@dataclass(frozen=True)
class Way:
    """One of the two, in words."""

    name: str
    label: StrPromise
    #: What happens, what it means for safety, and what is set.
    how: StrPromise
    safety: StrPromise
    sets: StrPromise


WAYS: Final = (
    Way(
        "server",
        gettext_lazy("From your server"),
        gettext_lazy("Your form posts to your own server, and that calls Stagewise."),
        gettext_lazy("Very secure: the URL stays secret, and nobody but your server can use it."),
        gettext_lazy("“Allow from all IPs” off, your server's IP on the list, a limit of 10 or 20."),
    ),
    Way(
        "browser",
        gettext_lazy("From the browser"),
        gettext_lazy("The pages of your website call Stagewise themselves."),
        gettext_lazy("Less secure: everybody can read the URL, so bots, spam and attacks are yours to deal with."),
        gettext_lazy("“Allow from all IPs” on, your website's origins, a limit of 5 or 10. Add a CAPTCHA."),
    ),
)

#: The guide's recommended limits for each way: from, to, and what is set where the limit lies outside.
_LIMITS: Final = {"server": (10, None, 20), "browser": (5, 10, 10)}


def applied(way: str, typed: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """The fields as they would be for this way of calling, and what was set, in words.

    Lists stay as they are: nobody's typing is thrown away. A limit that the guide recommends stays too.
    """
    fields: dict[str, Any] = dict(typed)
    smallest, largest, usual = _LIMITS[way]
    digits = fields.get("max_leads_per_ip", "").strip().replace(",", "")
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None
    if number is None or number < smallest or (largest is not None and number > largest):
        fields["max_leads_per_ip"] = str(usual)
    limit = {"limit": fields["max_leads_per_ip"]}
    if way == "server":
        fields.pop("allow_all_ips", None)
        said = _("Set for calls from your server: all IPs are off, the limit is %(limit)s. Now add your server's IP.")
    else:
        fields["allow_all_ips"] = "on"
        said = _("Set for calls from the browser: all IPs are on, the limit is %(limit)s. Now add your origins.")
    return fields, f"{said % limit} {_('Nothing is saved yet.')}"
