"""The doctor's way to the server: every call and its answer, kept for the checks that look at all of them."""

from __future__ import annotations

import json
import secrets
import ssl
from dataclasses import dataclass
from typing import Any, Self

import httpx2

from stagewise import __version__
from stagewise.doctor.target import Target

#: No answer is read further than this.
ANSWER_BYTES = 262_144
TEST = "Stagewise-Test"

Headers = dict[str, str]


class RealLead(Exception):
    """A lead was made that is no test lead: nothing more must be sent. The message is its id, as far as it is known."""


class NoAnswer(Exception):
    """The call was not answered; the message says how it failed."""


@dataclass(frozen=True)
class Answer:
    """One answer. Header names are in lower case."""

    method: str
    status: int
    headers: Headers
    body: bytes

    @property
    def text(self) -> str:
        """The body as text, whatever it is."""
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        """The type of the content without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def document(self) -> dict[str, Any]:
        """The JSON object of the body; empty when there is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def code(self) -> str:
        """The ``code`` of a problem document, else empty."""
        return str(self.document.get("code", ""))

    @property
    def words(self) -> str:
        """The answer in a few words, for a report."""
        code = f" {self.code}" if self.code else f" ({self.media_type or 'no content'})"
        return f"{self.status}{code}"


class Visit:
    """A connection to the target. Use it in a ``with`` statement."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.answers: list[Answer] = []
        self.test_leads = 0
        #: Sent with every call: what makes the caller one that the endpoint admits.
        self.standing: Headers = {"Origin": target.origins[0]} if target.origins else {}
        #: In the message of every lead, so that no two runs send the same one.
        self.run = secrets.token_hex(6)
        verify = ssl.create_default_context(cafile=target.ca_file) if target.is_https else True
        self._http = httpx2.Client(
            verify=verify,
            timeout=target.timeout,
            trust_env=False,
            follow_redirects=False,
            headers={"User-Agent": f"stagewise-doctor/{__version__}", "Accept": "application/json, */*"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def lead(self, subject: str, **fields: Any) -> dict[str, Any]:
        """A good lead whose message names the check; ``fields`` replace some, None leaves one out."""
        good = {
            "name": "Stagewise Doctor",
            "phone": "+44 20 7946 0018",
            "email": "doctor@example.com",
            "message": f"A test ({subject}) by `stagewise doctor`, run {self.run}.",
            "_elapsed_ms": 60_000,
        }
        return {name: value for name, value in (good | fields).items() if value is not None}

    def post_json(self, fields: object, test: str | None = "1", **headers: str) -> Answer:
        """Post a JSON document as a test call; ``headers`` with ``_`` for ``-``."""
        return self.post(json.dumps(fields).encode(), "application/json", test, **headers)

    def post(self, body: bytes, content_type: str, test: str | None = "1", **headers: str) -> Answer:
        """Post anything as a test call, unless ``test`` is None."""
        sent = self.standing | {"Content-Type": content_type}
        if test is not None:
            sent[TEST] = test
        return self.call("POST", self.target.url, body, sent | {n.replace("_", "-"): v for n, v in headers.items()})

    def call(self, method: str, url: str, body: bytes | None = None, headers: Headers | None = None) -> Answer:
        """Make any call; raises :class:`NoAnswer`, and :class:`RealLead` for a lead that is none of a test."""
        try:
            with self._http.stream(method, url, content=body, headers=headers or {}) as response:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > ANSWER_BYTES:
                        break
                received = {name.lower(): value for name, value in response.headers.items()}
                answer = Answer(method, response.status_code, received, bytes(content[:ANSWER_BYTES]))
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__) from None
        self.answers.append(answer)
        if method == "POST" and answer.status == 201:
            if answer.document.get("test") is not True:
                raise RealLead(str(answer.document.get("id", "")))
            self.test_leads += "idempotency-replayed" not in received
        return answer
