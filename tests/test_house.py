"""Rules of the house that a machine can check: size, imports, and what has no place in the tree."""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES = 400
FUNCTION_LINES = 50
#: Lines of code, without blank ones, comments and docstrings, that the path of a lead may have in all.
LANE_LINES = 1_500

#: ``git ls-files`` where there is a repository, so that nothing that was built counts.
GENERATED = {".venv", ".cache", ".git", "node_modules", "migrations", "results", "public_files", "static_files"}


def sources(*folders: str, suffix: str = ".py") -> list[Path]:
    found = [path for folder in folders for path in (ROOT / folder).rglob(f"*{suffix}")]
    return sorted(path for path in found if not GENERATED.intersection(path.relative_to(ROOT).parts))


PYTHON = sources("stagewise", "tests", "bench", "proof", "requirements")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_has_more_than_one_job() -> None:
    too_long = {named(path): lines for path in PYTHON if (lines := len(path.read_text().splitlines())) > FILE_LINES}
    assert too_long == {}


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield f"{named(path)}:{node.name}", node.end_lineno - node.lineno + 1


def test_no_function_is_longer_than_a_screen() -> None:
    found = (each for path in PYTHON for each in functions(path))
    assert {name: lines for name, lines in found if lines > FUNCTION_LINES} == {}


def code_lines(text: str) -> int:
    """Lines that hold code: no comments, no docstrings, no blank lines."""
    docstrings = {
        line
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    ignored = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in ignored:
            lines.update(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


def test_counting_lines_of_code_leaves_out_what_is_none() -> None:
    assert (
        code_lines(
            '"""Doc\n\nstring."""\n\n# why\nx = 1  # here\n\n\ndef f():\n    """Doc."""\n    return """a\nb"""\n'
        )
        == 4
    )


def test_the_path_of_a_lead_can_be_read_in_an_afternoon() -> None:
    lines = {named(path): code_lines(path.read_text()) for path in sources("stagewise/core", "stagewise/intake")}
    assert sum(lines.values()) <= LANE_LINES, lines


def imported_by(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after the statement."""
    done = subprocess.run(
        [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import stagewise.intake.server, granian, uvloop",
        "import stagewise.store.sqlite, stagewise.store.postgres, stagewise.store.ledger",
        "import stagewise.serve",
        "import stagewise.cli, stagewise.cli.processes",
        "import stagewise.cli.doctor, stagewise.doctor, stagewise.samples",
        "from stagewise import settings; settings.load({})",
    ],
)
def test_lane_and_supervisor_never_import_django(statement: str) -> None:
    loaded = imported_by(statement)
    assert not {name for name in loaded if name.split(".")[0] in {"django", "allauth"}}
    assert "stagewise.site.settings" not in loaded


def test_the_supervisor_starts_without_waiting_for_what_it_does_not_need() -> None:
    heavy = {"structlog", "granian", "psycopg", "phonenumbers", "email_validator", "asyncio", "prometheus_client"}
    assert not heavy & imported_by("import stagewise.cli.processes, stagewise.serve")


def test_the_worker_never_asks_for_a_route_which_would_load_every_view() -> None:
    assert [
        named(path) for path in sources("stagewise/notify", "stagewise/worker") if "django.urls" in path.read_text()
    ] == []


def test_only_the_settings_read_the_environment() -> None:
    readers = [
        named(path)
        for path in sources("stagewise")
        if re.search(r"\bos\.(environ|getenv)\b", path.read_text())
        and path.name != "settings.py"
        # Programs of other people, to be pasted.
        and "samples" not in path.parts
    ]
    assert readers == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_open(word: str) -> None:
    texts = [*PYTHON, *sources("stagewise", suffix=".html"), *sources("stagewise", suffix=".js"), ROOT / "Makefile"]
    mark = re.compile(rf"\b{word}\b")
    found = [named(path) for path in texts if path != Path(__file__) and mark.search(path.read_text())]
    assert found == []


def test_lock_files_hold_hashes_and_no_download_hosts() -> None:
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert {lock.stem for lock in locks} == {source.stem for source in (ROOT / "requirements").glob("*.in")}
    for lock in locks:
        text = lock.read_text()
        assert "--hash=sha256:" in text
        assert re.findall(r"://|--(?:extra-)?index-url|--find-links|\bfile:|@ ", text) == [], lock.name
        for requirement in re.split(r"\n(?=\S)", text.replace("\\\n", "")):
            assert "--hash=" in requirement or requirement.lstrip().startswith("#"), requirement


def test_every_wanted_package_is_in_its_lock_file() -> None:
    for source in (ROOT / "requirements").glob("*.in"):
        locked = source.with_suffix(".txt").read_text().lower().replace("_", "-")
        for line in source.read_text().splitlines():
            name = re.match(r"[A-Za-z0-9._-]+", line)
            if name and not line.startswith(("#", "-")):
                assert re.search(rf"^{re.escape(name[0].lower())}==", locked, re.MULTILINE), line
