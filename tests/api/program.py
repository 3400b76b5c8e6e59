"""A program that calls the API."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from stagewise.accounts import tokens
from stagewise.accounts.members import at_least
from stagewise.accounts.models import ApiToken, User


class Program:
    """Calls with a token; what comes back is decoded."""

    def __init__(self, token: ApiToken | None, secret: str) -> None:
        self.token = token
        self.secret = secret

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Call ``/api/v1`` + path; a body that is bytes is sent as it is, anything else as JSON."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.secret:
            named.setdefault("Authorization", f"Bearer {self.secret}")
        sent = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        kind = named.pop("Content-Type", "application/json")
        found = Client().generic(method, f"/api/v1{path}", sent, kind, headers=named)
        return Answer(found)

    def get(self, path: str, **headers: str) -> Answer:
        """GET."""
        return self.call("GET", path, **headers)


class Answer:
    """What came back."""

    def __init__(self, response: Any) -> None:
        self.status: int = response.status_code
        self.headers = response.headers
        self.text: str = response.content.decode()
        self.json: Any = json.loads(self.text) if self.text else None

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self.text
        assert (self.json["status"], self.json["request_id"]) == (self.status, self.headers["X-Request-Id"])
        return str(self.json["code"])

    @property
    def fields(self) -> list[str]:
        """The fields or parameters that a problem names."""
        return [each["field"] for each in self.json["errors"]]


def of(user: User, scopes: list[str] | None = None, days: int | None = None) -> Program:
    """A program with a token of the user's; all scopes of their role unless some are named."""
    member = user.memberships.get()
    chosen = scopes or [scope for scope, least in tokens.SCOPES.items() if at_least(member.role, least)]
    return Program(*tokens.make(member, "Robot", chosen, days))
