"""A ledger under test: real, on a real database, in this process, with a clock that the test can move."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

from stagewise.core import fields
from stagewise.core.addresses import Caller, canonical
from stagewise.core.fields import Fields
from stagewise.core.ids import request_id
from stagewise.core.submission import Submission
from stagewise.store.ledger import Ledger, Verify
from stagewise.store.postgres import PostgresSession
from stagewise.store.records import Decision
from stagewise.store.rules import Compiled
from stagewise.store.session import Session
from stagewise.store.sqlite import SQLiteSession
from tests.support.installation import SECRET_KEY, Installation

T = TypeVar("T")
DAY = 86_400_000
SENT = {"name": "Ada Lovelace", "phone": "+44 20 7946 0958", "email": "ada@example.com"}


class Lab:
    """An installation whose first endpoint lets everybody in, with ledgers over it."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.offset_ms = 0
        self._messages = itertools.count(1)
        #: Who is asked about a CAPTCHA's token.
        self.verify: Verify | None = None
        installation.save_rules(allow_all_ips=True, allowed_ips=[], max_leads_per_ip=10)

    def session(self, compiled: Compiled | None = None) -> Session:
        """A session as the ledger makes it; its clock is ``offset_ms`` ahead of the database's."""
        compiled = compiled or Compiled()
        if self.installation.database_url:
            return PostgresSession(self.installation.database_url, compiled, self.offset_ms)
        return SQLiteSession(self.installation.data_dir / "stagewise.sqlite3", compiled, self.offset_ms)

    @contextlib.asynccontextmanager
    async def ledger(self, connect: Callable[[Compiled], Session] | None = None) -> AsyncIterator[Ledger]:
        """A running ledger."""
        ledger = Ledger(connect or self.session, self.verify)
        await ledger.start(SECRET_KEY)
        try:
            yield ledger
        finally:
            await ledger.stop()

    def run(self, work: Callable[[Ledger], Awaitable[T]]) -> T:
        """Run a test's steps on a ledger of their own."""

        async def steps() -> T:
            async with self.ledger() as ledger:
                return await work(ledger)

        return asyncio.run(steps())

    def submission(
        self,
        address: str = "192.0.2.1",
        *,
        idempotency_key: str | None = None,
        origin: str | None = None,
        visitor: str | None = None,
        test: str | None = None,
        extras: dict[str, object] | None = None,
        **sent: Any,
    ) -> Submission:
        """A submission as the lane makes it of ``sent`` (over a good lead) from ``address``.

        Without an Idempotency-Key its message is new, so that it is no repeat of another.
        """
        if idempotency_key is None:
            sent = {"message": f"Message {next(self._messages)}", **sent}
        submission = Submission(
            key=self.installation.key,
            caller=Caller(canonical(address), "peer", address),
            request_id=request_id(),
            origin=origin,
            idempotency_key=idempotency_key,
            visitor=visitor,
            test=test,
            extras=extras,
        )
        checked = fields.check({name: value for name, value in {**SENT, **sent}.items() if value is not ...})
        if isinstance(checked, Fields):
            submission.fields = checked
        else:
            submission.field_errors = tuple(checked)
            submission.fields_error = "missing_fields" if fields.is_missing(checked) else "invalid_fields"
        return submission

    def decide(self, *submissions: Submission) -> list[Decision]:
        """The decisions on these, one after the other, on a ledger of their own."""

        async def steps(ledger: Ledger) -> list[Decision]:
            return [await ledger.decide(submission) for submission in submissions]

        return self.run(steps)

    def decide_at_once(self, *submissions: Submission) -> list[Decision]:
        """The decisions on these in one batch, on a ledger of their own."""

        async def steps(ledger: Ledger) -> list[Decision]:
            return await asyncio.gather(*(ledger.decide(submission) for submission in submissions))

        return self.run(steps)

    def posts(self, count: int = 1, address: str = "192.0.2.1", **sent: Any) -> list[str]:
        """The outcomes of so many submissions at once, on a ledger of their own."""

        async def steps(ledger: Ledger) -> list[str]:
            decisions = await asyncio.gather(*(ledger.decide(self.submission(address, **sent)) for _ in range(count)))
            return [decision.outcome for decision in decisions]

        return self.run(steps)
