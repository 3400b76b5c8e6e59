"""What people send from the console's pages, as Django forms: text in, plain values out.

Rules about the values live in the actions; here is only what has to do with typing.
"""

from __future__ import annotations

from django import forms

from stagewise.endpoints import entries
from stagewise.endpoints.actions import RuleChanges
from stagewise.leads.models import StageKind


def problems(form: forms.Form) -> dict[str, list[str]]:
    """What is wrong with a form, field by field, as sentences; empty when it is valid."""
    return {field: [str(text) for text in texts] for field, texts in form.errors.items()}


class OwnerForm(forms.Form):
    """The first owner's address and password."""

    email = forms.CharField(max_length=254, label="E-mail address")
    password = forms.CharField(strip=False, max_length=1000, label="Password")
    again = forms.CharField(strip=False, max_length=1000, label="The same password again")

    def clean(self) -> dict[str, object]:
        """Compare the two passwords."""
        cleaned: dict[str, object] = super().clean() or {}
        if "password" in cleaned and "again" in cleaned and cleaned["password"] != cleaned["again"]:
            self.add_error("again", "The two passwords differ.")
        return cleaned


class RulesForm(forms.Form):
    """The four settings of an endpoint, as on the page; lists one entry a line."""

    version = forms.CharField(required=False)
    allow_all_ips = forms.BooleanField(required=False)
    allowed_ips = forms.CharField(required=False, strip=False)
    allowed_origins = forms.CharField(required=False, strip=False)
    max_leads_per_ip = forms.CharField(required=False)

    def clean_version(self) -> int | None:
        """The version that the page showed; None where it says nothing usable."""
        text = self.cleaned_data["version"]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    def clean_max_leads_per_ip(self) -> int | None:
        """A whole number; empty: no limit."""
        text: str = self.cleaned_data["max_leads_per_ip"]
        if not text:
            return None
        digits = text.replace(",", "").replace(" ", "")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            raise forms.ValidationError(f"“{text[:40]}” is no whole number. Leave it empty for no limit.")
        return int(digits)

    def changes(self) -> RuleChanges:
        """What to save, from a form that is valid."""
        return RuleChanges(
            allow_all_ips=self.cleaned_data["allow_all_ips"],
            allowed_ips=entries.split(self.cleaned_data["allowed_ips"]),
            allowed_origins=entries.split(self.cleaned_data["allowed_origins"]),
            max_leads_per_ip=self.cleaned_data["max_leads_per_ip"],
        )


class NameForm(forms.Form):
    """A name; what makes a good one, the actions say."""

    name = forms.CharField(required=False, strip=False)


class StageForm(NameForm):
    """A new stage."""

    kind = forms.ChoiceField(choices=StageKind.choices)


class MoveForm(forms.Form):
    """A new place in an order, from 0."""

    to = forms.IntegerField(min_value=0, max_value=100_000)


class OverlapForm(forms.Form):
    """How many hours the old key goes on working."""

    overlap_hours = forms.FloatField(min_value=0)
