"""The index of samples, and the page of the documentation that shows them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from stagewise import samples
from tests.support.shared import ROOT

FOLDER = Path(samples.__file__).parent
PAGE = ROOT / "docs" / "samples.md"
LANGUAGES = {".php": "php", ".mjs": "js", ".py": "python", ".sh": "sh", ".html": "html"}
#: Programs that read the endpoint's URL from the environment.
PROGRAMS = [sample for sample in samples.all() if sample.language != "html"]


def test_every_file_is_in_the_index_once() -> None:
    files = sorted(
        str(path.relative_to(FOLDER))
        for path in FOLDER.rglob("*")
        if path.is_file() and path.suffix in LANGUAGES and path.parent != FOLDER
    )
    assert sorted(sample.file for sample in samples.all()) == files
    assert len({sample.name for sample in samples.all()}) == len(files)


@pytest.mark.parametrize("sample", samples.all(), ids=lambda sample: sample.name)
def test_a_sample_is_described(sample: samples.Sample) -> None:
    assert sample.language == LANGUAGES[Path(sample.file).suffix]
    assert sample.title
    assert sample.about.endswith(".")
    assert samples.named(sample.name) is sample
    assert sample.file_name in sample.run or Path(sample.file).stem in sample.run or sample.language == "html"


@pytest.mark.parametrize("sample", PROGRAMS, ids=lambda sample: sample.name)
def test_a_program_takes_the_url_from_the_environment_and_says_how_to_start_it(sample: samples.Sample) -> None:
    comment = f"{samples.VARIABLE}='{samples.PLACEHOLDER}'"
    assert sample.text.count(samples.PLACEHOLDER) == 1
    assert comment in sample.text
    filled = samples.fill(sample.text, "https://l.example/public/v1/leads/0123")
    assert "https://l.example/public/v1/leads/0123" in filled
    assert samples.PLACEHOLDER not in filled


def test_the_page_that_calls_by_itself_has_the_url_in_one_place() -> None:
    assert samples.named("browser").text.count(samples.PLACEHOLDER) == 1


def test_there_is_no_sample_of_another_name() -> None:
    with pytest.raises(KeyError):
        samples.named("cobol")


def test_the_documentation_shows_every_sample_as_it_is() -> None:
    shown = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    texts = [(language, text) for language, text in shown if text.count("\n") > 5]
    assert texts == [(sample.language, sample.text) for sample in samples.all()]


def test_the_documentation_tells_how_to_start_each() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for sample in samples.all():
        assert f"## {sample.title}\n" in page
        assert sample.about in page
        assert sample.run in page


def test_samples_load_nothing_from_elsewhere() -> None:
    for sample in samples.all():
        hosts = set(re.findall(r"https?://([a-z0-9.]+)", sample.text)) - {"leads.example.com"}
        assert hosts <= {"127.0.0.1", "localhost"}, sample.name
