"""Fuzzes the way of a body to its fields, guided by what each input reaches in our code.

    .cache/fuzz-venv/bin/python -m proof.fuzz [--runs 500000] [--seed 1]

What must hold is in tests/core/mutations.py; the corpus is the beginning. Exits with 1 if a promise is broken, with
the input in .cache/fuzz; or if the control found nothing: a decoder that goes wrong behind four branches, which chance
alone does not find from nothing, so that a quiet run means something.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["stagewise"]):
    from tests.core.mutations import SHORT, TELLING, Decoder, examine

from stagewise.core.json_body import decode

FOUND = Path(".cache/fuzz")
#: Longer bodies reach nothing that these do not, and are slower.
LONGEST = 4_096
#: What the control is given at most; it is found within a fifth of that, mostly.
CONTROL_RUNS = 500_000


@atheris.instrument_func  # type: ignore[untyped-decorator, unused-ignore]
def flawed(body: bytes) -> dict[str, object]:
    """Decode, but take four certain bytes at the beginning for an empty object."""
    if body[:1] == b"L" and body[1:2] == b"E" and body[2:3] == b"A" and body[3:4] == b"D":
        return {}
    return decode(body)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof and its control, each in a process of its own, since libFuzzer ends the one that it runs in."""
    parser = argparse.ArgumentParser(prog="python -m proof.fuzz")
    parser.add_argument("--runs", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["shipped", "flawed"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    FOUND.mkdir(parents=True, exist_ok=True)
    if asked.only:
        _fuzz(asked.runs, asked.seed, flawed if asked.only == "flawed" else decode, asked.folder)
        return 0
    shipped, why = _apart("shipped", asked.runs, asked.seed)
    control, _expected = _apart("flawed", CONTROL_RUNS, asked.seed)
    if shipped:
        print(why)
    print(f"as shipped: {'a promise is broken, see above' if shipped else f'nothing found in {asked.runs:,} runs'}")
    print(f"control: {'the flaw was found' if control else 'NOTHING FOUND, so this proves nothing'}")
    return int(shipped or not control)


def _apart(which: str, runs: int, seed: int) -> tuple[bool, str]:
    """Whether a promise was found broken, and what was written at the end."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "proof.fuzz", "--only", which, "--folder", folder,
             "--runs", str(runs), "--seed", str(seed)],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )  # fmt: skip
    if done.returncode and "AssertionError" not in done.stdout + done.stderr and which == "flawed":
        raise RuntimeError(f"the control failed in another way:\n{done.stderr[-4_000:]}")
    return done.returncode != 0, (done.stdout + done.stderr)[-4_000:]


def _fuzz(runs: int, seed: int, decoder: Decoder, folder: Path) -> None:
    """Hand over to libFuzzer, which ends the process at once: with 0 when nothing was found."""
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    for body in SHORT if decoder is decode else ():
        (corpus / hashlib.sha256(body).hexdigest()).write_bytes(body)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in TELLING))
    prefix = FOUND if decoder is decode else folder
    options = [f"-runs={runs}", f"-seed={seed}", f"-max_len={LONGEST}", f"-artifact_prefix={prefix}/"]

    def one(body: bytes) -> None:
        examine(body, decoder)

    atheris.Setup([sys.argv[0], *options, f"-dict={words}", str(corpus)], one)
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    sys.exit(main())
