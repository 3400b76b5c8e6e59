"""What Stagewise asks of allauth: who may sign up, addresses that are ours, and a record of security events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from stagewise.accounts import audit, security_mail, sessions, workspaces
from stagewise.accounts.caller import address_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

    from stagewise.accounts.models import User

#: Stands for an address that cannot be read, where only an address can stand.
UNREADABLE = "0.0.0.0"  # noqa: S104 - nothing listens there


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Sign-up as the operator wants it, the lane's idea of a client address, links to the configured console, audit."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Else accounts are made by invitations, by the set-up link and by ``stagewise user add`` only."""
        return workspaces.sign_up_is_open()

    def is_safe_url(self, url: str) -> bool:
        """After login and logout people go on within the console, never to another site."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def get_client_ip(self, request: HttpRequest) -> str:
        """What allauth counts tries by and notes of a session; unreadable addresses are as one, which nobody has."""
        return address_of(request) or UNREADABLE

    def get_reset_password_from_key_url(self, key: str) -> str:
        """The link in the mail. It names the configured console: a forged Host header never gets into a mail."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return str(settings.CONSOLE_URL) + path.replace("UID-KEY", key)

    def get_email_confirmation_url(self, _request: HttpRequest, emailconfirmation: Any) -> str:
        """The same for the confirmation of an address."""
        return str(settings.CONSOLE_URL) + reverse("account_confirm_email", args=[emailconfirmation.key])

    def send_account_already_exists_mail(self, email: str) -> None:
        """To somebody who signs up again; the page tells the same to everybody."""
        urls = {"login_url": reverse("account_login"), "password_reset_url": reverse("account_reset_password")}
        context = {name: str(settings.CONSOLE_URL) + path for name, path in urls.items()}
        self.send_mail("account/email/account_already_exists", email, context)

    def send_notification_mail(
        self,
        template_prefix: str,
        user: User,
        context: dict[str, Any] | None = None,  # noqa: ARG002 - allauth passes it by name
        email: str | None = None,  # noqa: ARG002
    ) -> None:
        """Tell somebody by mail that the way into their account was changed."""
        security_mail.send(user, template_prefix, address_of(self.request))

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Log in, and record it."""
        super().login(request, user)
        audit.record(None, _email(user), "login.ok", address=address_of(request))

    def logout(self, request: HttpRequest) -> None:
        """Log out, and record it."""
        if request.user.is_authenticated:
            audit.record(None, _email(request.user), "logout", address=address_of(request))
        super().logout(request)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Record a failed try; how many there can be is bounded by the rate limit in front."""
        tried = str(credentials.get("email") or "")
        audit.record(None, "", "login.failed", tried, address=address_of(request))

    def set_password(self, user: User, password: str) -> None:
        """Set the password, and record it. All other sessions of the user end with it."""
        super().set_password(user, password)
        here = self.request.session.session_key if self.request.user == user else None
        sessions.end(user, keep=here or "")
        audit.record(None, _email(user), "password.changed", _email(user), address=address_of(self.request))


def _email(user: Any) -> str:
    return str(getattr(user, "email", ""))
