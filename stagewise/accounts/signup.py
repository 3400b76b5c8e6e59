"""What somebody who signs up by themselves tells beyond e-mail address and password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.utils.translation import gettext_lazy as _

from stagewise.accounts import names

if TYPE_CHECKING:
    from django.http import HttpRequest

    from stagewise.accounts.models import User


class NameForm(forms.Form):
    """Allauth puts this field before its own, and calls :meth:`signup` once the user is there."""

    name = forms.CharField(label=_("Your name"), required=False, strip=False)

    def clean_name(self) -> str:
        """The name as it is kept."""
        try:
            return names.of_person(self.cleaned_data["name"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None

    def signup(self, _request: HttpRequest, user: User) -> None:
        """Keep the name."""
        user.name = self.cleaned_data["name"]
        user.save(update_fields=["name"])
