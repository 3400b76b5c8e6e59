"""How often a token may call: so many times in each minute, counted for all processes and nodes together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from django.db import connection, transaction

from stagewise.accounts.clock import now_ms
from stagewise.accounts.models import ApiToken, ApiUse

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Calls of a token in a minute.
CALLS: Final = 600
WINDOW_S: Final = 60

_NAME: Final = '"calls-per-token"'
_MINUTE_MS: Final = WINDOW_S * 1000
_COUNT: Final = """
INSERT INTO api_use (token_id, minute, count) VALUES (%s, %s, 1)
ON CONFLICT (token_id, minute) DO UPDATE SET count = api_use.count + 1 RETURNING count
"""


class Calls(NamedTuple):
    """How a token stands in this minute."""

    made: int
    #: Whole seconds until the next minute begins, rounded up.
    seconds: int

    @property
    def too_many(self) -> bool:
        """Whether this call was one too many."""
        return self.made > CALLS

    @property
    def headers(self) -> Mapping[str, str]:
        """``RateLimit-Policy`` and ``RateLimit`` (draft-ietf-httpapi-ratelimit-headers-10)."""
        return {
            "RateLimit-Policy": f"{_NAME};q={CALLS};w={WINDOW_S}",
            "RateLimit": f"{_NAME};r={max(0, CALLS - self.made)};t={self.seconds}",
        }


def count(token: ApiToken) -> Calls:
    """Count a call of this token, and note that it was used, to the minute.

    One that has used up its minute is only read, so that a program that goes on calling holds up no writer.
    """
    now = now_ms()
    minute = now - now % _MINUTE_MS
    seconds = -(-(minute + _MINUTE_MS - now) // 1000)
    there = ApiUse.objects.filter(token=token, minute=minute).values_list("count", flat=True).first()
    if there is not None and there >= CALLS:
        return Calls(there + 1, seconds)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT, [token.pk, minute])
        made = int(cursor.fetchall()[0][0])
        if made == 1:
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=minute)
    return Calls(made, seconds)
