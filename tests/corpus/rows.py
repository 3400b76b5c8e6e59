"""The rows of the corpus, typed: what is sent, and what must come of it."""

from __future__ import annotations

import gzip
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_name("hostile_inputs.json")
FIRST_LEAD_TYPE = "Sales"


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One request; see the README beside this file."""

    id: str
    group: str
    field: str
    why: str
    expected: str
    also: list[str] = []
    content_type: str | None
    headers: list[tuple[str, str]] = []
    setup: str = ""
    answers: int = 1
    then: str = ""
    store_as: str | None = None
    e164: str | None = None
    payload: Any = msgspec.UNSET
    raw_b64: bytes | None = None
    raw_gz_b64: bytes | None = None
    raw_len: int | None = None
    raw_request_b64: bytes | None = None
    raw_request_gz_b64: bytes | None = None
    raw_request_len: int | None = None

    @property
    def body(self) -> bytes | None:
        """The body, or None for a row that is a whole connection."""
        if self.payload is not msgspec.UNSET:
            return json.dumps(self.payload).encode()
        return self.raw_b64 if self.raw_gz_b64 is None else gzip.decompress(self.raw_gz_b64)

    @property
    def connection(self) -> bytes | None:
        """All bytes of the connection, for a row that is one."""
        return self.raw_request_b64 if self.raw_request_gz_b64 is None else gzip.decompress(self.raw_request_gz_b64)

    @property
    def statuses(self) -> set[int]:
        """The statuses that are right; 400 may also be a connection closed without an answer."""
        expected = 201 if self.expected == "accept" else int(self.expected.removeprefix("reject_"))
        return {expected, *map(int, self.also)}

    @property
    def accepted(self) -> bool:
        """Whether a lead is to be stored."""
        return self.expected == "accept"

    def rule(self, name: str) -> list[str]:
        """A list that ``setup`` gives, such as ``allowed_ips``."""
        given = re.search(rf"(?:^|; ){name}=(\[[^\]]*\])", self.setup)
        return [] if given is None else list(json.loads(given[1]))

    def sent(self) -> dict[str, str | None]:
        """The five fields of an accepted row as they were sent, absent ones as None."""
        document: dict[str, str | None]
        if self.body is None:
            assert self.connection is not None
            document = json.loads(self.connection[self.connection.rindex(b"{") : self.connection.rindex(b"}") + 1])
        else:
            document = json.loads(self.body)
        return {name: document.get(name) for name in ("name", "phone", "email", "message", "lead_type_name")}

    def stored(self) -> dict[str, str | None]:
        """The five fields of an accepted row as they must be stored."""
        kept = {name: _normal(value) for name, value in self.sent().items()}
        kept["lead_type_name"] = kept["lead_type_name"] or FIRST_LEAD_TYPE
        if self.store_as is not None:
            kept[self.field if self.field in kept else "name"] = self.store_as
        return kept


def _normal(value: str | None) -> str | None:
    if value is None:
        return None
    lines = value.replace("\r\n", "\n").replace("\r", "\n")
    return unicodedata.normalize("NFC", lines.strip()) or None


ROWS = msgspec.json.decode(FILE.read_bytes(), type=list[Row])
