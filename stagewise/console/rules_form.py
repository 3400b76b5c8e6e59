"""An endpoint's settings as a page shows them and a person sends them: text in fields, read into plain values.

What makes a good value, the actions say; here is only what has to do with typing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext as _

from stagewise.endpoints import entries, optional
from stagewise.endpoints.actions import RuleChanges

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stagewise.endpoints.actions import EntryField
    from stagewise.endpoints.models import Endpoint
    from stagewise.endpoints.optional import Document


#: The settings that were there from the beginning: a form that does not name them empties them.
ALWAYS_SENT = ("allow_all_ips", "allowed_ips", "allowed_origins", "max_leads_per_ip")


def _whole(text: str) -> int | None:
    """A whole number, with or without commas; empty: none."""
    digits = text.strip().replace(",", "").replace(" ", "")
    if not digits:
        return None
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        said = _("“%(typed)s” is no whole number. Leave it empty for none.")
        raise forms.ValidationError(said % {"typed": text.strip()[:40]})
    return int(digits)


def _score(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise forms.ValidationError(_("Choose a score from 0 to 1, such as 0.5.")) from None


#: For each field of the optional rules: how its text is read. A field of the page is called ``document_field``.
READ: dict[Document, dict[str, Callable[[str], Any]]] = {
    "captcha": {
        **dict.fromkeys(("provider", "site_key", "secret", "action", "if_failed", "if_down"), str),
        "min_score": _score,
        "hostnames": entries.split,
    },
    "holding": {
        "honeypot": bool,
        **dict.fromkeys(("min_seconds", "max_links", "repeated"), _whole),
        **dict.fromkeys(("words", "domains"), entries.split),
    },
    "form": {
        **dict.fromkeys(("enabled", "ask_lead_type"), bool),
        **dict.fromkeys(("title", "intro", "button", "thanks", "next_url"), str),
    },
}


class RulesForm(forms.Form):
    """The settings of an endpoint; lists one entry a line."""

    version = forms.CharField(required=False)
    allow_all_ips = forms.BooleanField(required=False)
    allowed_ips = forms.CharField(required=False, strip=False)
    allowed_origins = forms.CharField(required=False, strip=False)
    max_leads_per_ip = forms.CharField(required=False)
    #: Sent by a page that has the fields below; without it they stay as they are.
    optional = forms.BooleanField(required=False)
    forwarding = forms.BooleanField(required=False)
    server_ceiling = forms.CharField(required=False)
    over_limit = forms.CharField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for document, fields in READ.items():
            for name in fields:
                self.fields[f"{document}_{name}"] = forms.CharField(required=False, strip=False)

    def clean_version(self) -> int | None:
        """The version that the page showed; None where it says nothing usable."""
        text = self.cleaned_data["version"]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def clean_max_leads_per_ip(self) -> int | None:
        """A whole number; empty: no limit."""
        return _whole(self.cleaned_data["max_leads_per_ip"])

    def clean_server_ceiling(self) -> int | None:
        """A whole number; empty: no ceiling."""
        return _whole(self.cleaned_data["server_ceiling"])

    def clean(self) -> dict[str, Any]:
        """Read the fields of the optional rules."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("optional"):
            for document, fields in READ.items():
                for name, read in fields.items():
                    field = f"{document}_{name}"
                    try:
                        cleaned[field] = read(cleaned.get(field, ""))
                    except forms.ValidationError as error:
                        self.add_error(field, error)
        return cleaned

    def changes(self) -> RuleChanges:
        """What to save, from a form that is valid."""
        addresses, notes = entries.split_noted(self.cleaned_data["allowed_ips"])
        found = RuleChanges(
            allow_all_ips=self.cleaned_data["allow_all_ips"],
            allowed_ips=addresses,
            ip_notes=notes,
            allowed_origins=entries.split(self.cleaned_data["allowed_origins"]),
            max_leads_per_ip=self.cleaned_data["max_leads_per_ip"],
        )
        if self.cleaned_data["optional"]:
            found.forwarding = self.cleaned_data["forwarding"]
            found.server_ceiling = self.cleaned_data["server_ceiling"]
            found.over_limit = self.cleaned_data["over_limit"]
            for document, fields in READ.items():
                values = {name: self.cleaned_data[f"{document}_{name}"] for name in fields}
                setattr(found, document, values)
        return found

    def notes(self) -> list[str]:
        """What will be kept in another spelling than it was typed, as sentences."""
        found = entries.check_ips(entries.split_noted(self.cleaned_data["allowed_ips"])[0]).notes
        found += entries.check_origins(entries.split(self.cleaned_data["allowed_origins"])).notes
        if self.cleaned_data["optional"]:
            for field in ("captcha_hostnames", "holding_domains"):
                found += entries.check_domains(self.cleaned_data[field]).notes
        return found


def saved_values(endpoint: Endpoint) -> dict[str, Any]:
    """What the page's fields show of the saved settings, by field; never a secret."""
    found: dict[str, Any] = {
        "allow_all_ips": endpoint.allow_all_ips,
        "allowed_ips": entries.with_notes(endpoint.allowed_ips, endpoint.ip_notes),
        "allowed_origins": endpoint.allowed_origins,
        "max_leads_per_ip": endpoint.max_leads_per_ip,
        "forwarding": endpoint.forwarding,
        "server_ceiling": endpoint.server_ceiling,
        "over_limit": endpoint.over_limit,
    }
    for document in READ:
        for name, value in optional.shown(document, getattr(endpoint, document)).items():
            found[f"{document}_{name}"] = value
    return {field: _as_text(value) for field, value in found.items()}


def _as_text(value: Any) -> Any:
    if isinstance(value, list):
        return "\n".join(value)
    return "" if value is None else value


def with_entry(typed: dict[str, str], field: EntryField, entry: str) -> dict[str, str]:
    """The fields as typed, with an entry on a list that was not there yet."""
    text = typed.get(field, "")
    listed = entries.split_noted(text)[0] if field == "allowed_ips" else entries.split(text)
    if entry in listed:
        return typed
    return {**typed, field: f"{text.rstrip()}\n{entry}".lstrip()}


def differs(saved: dict[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether the fields say anything else than the saved ones."""
    return any(_plain(values.get(field)) != _plain(value) for field, value in saved.items() if field in _FIELDS)


def _plain(value: Any) -> str:
    """A field's value as text; a box that is not ticked is empty."""
    return "" if value in (None, False) else "on" if value is True else str(value).replace("\r\n", "\n").strip()


_FIELDS = {*RulesForm.base_fields, *(f"{document}_{name}" for document, fields in READ.items() for name in fields)}
