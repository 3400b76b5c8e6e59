"""Bodies that are nearly those of the corpus, and what must hold for whatever a body is.

Used with a fixed seed by test_mutations.py, and with coverage as the guide by ``python -m proof.fuzz``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from stagewise.core import fields
from stagewise.core.addresses import Caller
from stagewise.core.fields import FIELD_NAMES, FieldError, Fields
from stagewise.core.json_body import BODY_BYTES, Unreadable, decode, decode_carefully
from stagewise.core.refusal import REFUSALS
from stagewise.core.submission import Submission, fingerprint
from stagewise.options import content, signals
from tests.corpus.rows import ROWS

Decoder = Callable[[bytes], dict[str, object]]
Check = Callable[[dict[str, object]], Fields | list[FieldError]]

#: Bytes that mean something to JSON, UTF-8 or the rules of a field, so that mutants get further than the first brace.
TELLING = (
    b'"', b"\\", b"{", b"}", b"[", b"]", b":", b",", b"\\u0000", b"\\ud800", b"\\udc00", b"\\u0065", b"\x00", b"\x7f",
    b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xae", b"\xcc\x81", b"\xf0\x9f\x98\x80", b"1e999",
    b"NaN", b"-", b"null", b"true", b"@", b"+", b";ext=", b"\xc2\xa0", b"\xe2\x80\x8b", b'"name"', b'"email":',
)  # fmt: skip
_BODIES = [body for row in ROWS if (body := row.body) is not None and len(body) <= BODY_BYTES]
#: Most mutants come of short bodies, so that a million of them take minutes; one in fifty of any.
SHORT = [body for body in _BODIES if len(body) <= 1_000]


def mutants(number: int, seed: int) -> Iterator[bytes]:
    """So many bodies, the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(number):
        body = chance.choice(_BODIES if chance.random() < 0.02 else SHORT)
        for _ in range(chance.choice((1, 1, 2, 4))):
            body = chance.choice(_MUTATIONS)(chance, body)
        yield body[:BODY_BYTES]


def _flipped(chance: random.Random, body: bytes) -> bytes:
    changed = bytearray(body)
    for _ in range(chance.choice((1, 1, 3)) if body else 0):
        changed[chance.randrange(len(body))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(chance: random.Random, body: bytes) -> bytes:
    begin, end = _slice(chance, body)
    return chance.choice((body[:begin], body[end:], body[:begin] + body[end:]))


def _doubled(chance: random.Random, body: bytes) -> bytes:
    begin, end = _slice(chance, body)
    return body[:end] + body[begin:]


def _spliced(chance: random.Random, body: bytes) -> bytes:
    other = chance.choice(SHORT)
    return body[: _slice(chance, body)[0]] + other[_slice(chance, other)[0] :]


def _sprinkled(chance: random.Random, body: bytes) -> bytes:
    begin, _end = _slice(chance, body)
    return body[:begin] + chance.choice(TELLING) + body[begin:]


def _slice(chance: random.Random, body: bytes) -> tuple[int, int]:
    begin, end = sorted((chance.randint(0, len(body)), chance.randint(0, len(body))))
    return begin, end


_MUTATIONS = (_flipped, _cut, _doubled, _spliced, _sprinkled)


def examine(body: bytes, decoder: Decoder = decode, check: Check = fields.check) -> bool:
    """Take a body the way of a lead, without its socket; whether its fields were accepted.

    Raises :class:`AssertionError` where a promise is broken, and whatever the code itself should not have raised.
    """
    fast, careful = _outcome(decoder, body), _outcome(decode_carefully, body)
    assert fast == careful, f"the decoders differ: {fast!r}, {careful!r}"
    submission = Submission("key", Caller("192.0.2.1", "peer", "192.0.2.1"), "request")
    content.read(submission, body)
    signals.read(submission.extras)
    refusal = submission.content_error or submission.fields_error
    assert refusal is None or refusal in REFUSALS, refusal
    assert (refusal is None) == (submission.fields is not None)
    if not isinstance(careful, dict):
        return False
    checked = check(decoder(body))
    if isinstance(checked, list):
        assert checked, "refused without a reason"
        assert checked == list(submission.field_errors)
        return False
    assert checked == submission.fields
    assert len(fingerprint(submission)) == 32
    again = check({name: getattr(checked, name) for name in FIELD_NAMES})
    assert again == checked, f"not stable: {checked!r}, {again!r}"
    for name in FIELD_NAMES:
        (getattr(checked, name) or "").encode()  # else no database could store it
    return True


def _outcome(decoder: Decoder, body: bytes) -> object:
    """What a decoder makes of a body, or why it refuses; with types for what is no text: no field takes it."""
    try:
        decoded = decoder(body)
    except Unreadable as error:
        return error.code, error.not_object
    assert set(decoded) <= set(FIELD_NAMES)
    return {name: value if isinstance(value, str | None) else "no text" for name, value in decoded.items()}
