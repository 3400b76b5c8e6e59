"""Finding a submission that came before: all five normalised fields equal, same endpoint, within five minutes.

People click twice, and programs send again. To find such a repeat needs an index over all leads, and one over hashes
would be written all over the place. So time is cut into slots of five minutes, and a lead is kept under (slot, mark):
new entries of the index stand together at its end, and a repeat is in this slot or in the one before.
"""

from __future__ import annotations

from stagewise.core.fields import Fields
from stagewise.core.submission import Submission
from stagewise.store.records import Earlier

WITHIN_MS = 300_000

_SPREAD = 0x9E3779B97F4A7C15  # 2^64 divided by the golden ratio: endpoints' marks lie far apart
_MASK = 0xFFFF_FFFF_FFFF_FFFF


def mark_of(fingerprint: bytes, endpoint_id: int) -> int:
    """64 bits, signed as databases have them, for these fields at this endpoint."""
    mixed = int.from_bytes(fingerprint[:8]) ^ (endpoint_id * _SPREAD & _MASK)
    return mixed - (1 << 64) if mixed >> 63 else mixed


def slots_of(now: int) -> tuple[int, int]:
    """This moment's slot, and the one before."""
    slot = now // WITHIN_MS
    return slot, slot - 1


def is_repeat(earlier: Earlier, submission: Submission, now: int) -> bool:
    """Whether what bears the same mark is the same submission, and recent."""
    return now - earlier.at < WITHIN_MS and submission.fields is not None and earlier.fields == kept(submission.fields)


def kept(fields: Fields) -> tuple[str, str, str, str | None]:
    """The fields that a lead keeps as they were sent."""
    return fields.name, fields.phone, fields.email, fields.message
