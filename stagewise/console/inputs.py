"""What people send from the console's pages, as Django forms: text in, plain values out.

Rules about the values live in the actions; here is only what has to do with typing.
"""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext as _

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
            self.add_error("again", _("The two passwords differ."))
        return cleaned


class NameForm(forms.Form):
    """A name; what makes a good one, the actions say."""

    name = forms.CharField(required=False, strip=False)


class StageForm(NameForm):
    """A new stage."""

    kind = forms.ChoiceField(choices=StageKind.choices)


class HueForm(forms.Form):
    """One of the colours, by its number; empty: the one of its place."""

    hue = forms.IntegerField(min_value=0, max_value=7, required=False)


class MoveForm(forms.Form):
    """A new place in an order, from 0."""

    to = forms.IntegerField(min_value=0, max_value=100_000)


class OverlapForm(forms.Form):
    """How many hours the old key goes on working."""

    overlap_hours = forms.FloatField(min_value=0)
