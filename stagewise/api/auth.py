"""Who calls, and what they may do: a token in ``Authorization: Bearer`` (RFC 6750), and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ninja.security import HttpBearer

from stagewise.accounts import tokens
from stagewise.accounts.clock import now_ms
from stagewise.accounts.members import at_least
from stagewise.api import limits
from stagewise.api.problems import Refused

if TYPE_CHECKING:
    from django.http import HttpRequest

    from stagewise.accounts.models import ApiToken, Member, Workspace

_REALM: Final = 'Bearer realm="stagewise"'


class Caller(NamedTuple):
    """A program with its token; it acts in the name of the token's member."""

    token: ApiToken

    @property
    def member(self) -> Member:
        """Whose token it is."""
        return self.token.member

    @property
    def workspace(self) -> Workspace:
        """The one workspace that it sees."""
        return self.token.workspace

    @property
    def actor(self) -> str:
        """Under which name its changes stand in timeline and audit."""
        return self.member.user.email


class Token(HttpBearer):
    """Asks for a token with a scope. Its call is counted whether or not the scope allows it."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def __call__(self, request: HttpRequest) -> Caller:
        """The caller; raises :class:`Refused`."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise Refused("token_missing", headers={"WWW-Authenticate": _REALM})
        return self.authenticate(request, secret.strip())

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        """Look the token up, count the call, and compare what it may do with what is asked for."""
        found = tokens.find(token)
        code = "token_unknown" if found is None else _why_not(found)
        if found is None or code:
            raise Refused(code, headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})
        calls = limits.count(found)
        # The answer tells how many are left, whatever else it says.
        request.api_calls = calls  # type: ignore[attr-defined]
        if calls.too_many:
            raise Refused("rate_limited", headers={"Retry-After": str(calls.seconds)})
        self._allow(found)
        return Caller(found)

    def _allow(self, token: ApiToken) -> None:
        least = tokens.SCOPES[self.scope]
        if self.scope not in token.scopes:
            said = f'{_REALM}, error="insufficient_scope", scope="{self.scope}"'
            raise Refused("scope_missing", f"This takes the scope {self.scope}.", headers={"WWW-Authenticate": said})
        if not at_least(token.member.role, least):
            raise Refused("role_too_small", f"This takes the role {least.value} or more.")


def _why_not(token: ApiToken) -> str:
    """The code of the reason why a token does not work; empty when it does."""
    if token.revoked_at is not None:
        return "token_revoked"
    if tokens.has_ended(token, now_ms()):
        return "token_expired"
    if token.member.deactivated_at is not None or not token.member.user.is_active:
        return "member_inactive"
    return ""
