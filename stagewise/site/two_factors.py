"""What Stagewise asks of allauth's second factors: secrets are kept encrypted, and devices show our name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.mfa.adapter import DefaultMFAAdapter
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from stagewise.notify.sealed import TWO_FACTORS, open_sealed, seal

if TYPE_CHECKING:
    from allauth.mfa.models import Authenticator
    from django.contrib.auth.models import AbstractBaseUser


class TwoFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Keeps what an authenticator app and recovery codes are made from so that the database alone opens nothing."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("This did not work. Try again; a code is good for half a minute, and once."),
        "unverified_email": gettext_lazy("Confirm your e-mail address first."),
    }

    def encrypt(self, text: str) -> str:
        """What is kept of a secret."""
        return seal(text, TWO_FACTORS)

    def decrypt(self, encrypted_text: str) -> str:
        """The secret that is kept so."""
        return open_sealed(encrypted_text, TWO_FACTORS)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Authenticator.Type) -> str:  # noqa: A002
        """What a passkey is called when nobody has named it."""
        there = user.authenticator_set.filter(type=type).count()  # type: ignore[attr-defined]
        return str(_("Passkey %d") % (there + 1))

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """The host under which the console was opened, which is one of ours, and the name that devices show for it."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": "Stagewise"}
