from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from oxide_analyzer import baseline
from oxide_analyzer.baseline import BaselineError
from oxide_analyzer.source import SourceFile, Span
from reports.findings import RACE, SOURCE, UNPROVED

FOLDER = Path.cwd()
SOURCES = {"k.py": SOURCE}


def compared(text: str, *found, sources=SOURCES, checked=("k.py",)) -> baseline.Compared:
    return baseline.compare(baseline.read(text), found, sources, FOLDER, checked)


def test_what_was_written_is_known() -> None:
    text = baseline.write([RACE, UNPROVED], SOURCES, FOLDER)
    assert compared(text, UNPROVED, RACE) == baseline.Compared((), 2, 0)


def test_findings_are_found_again_after_edits_elsewhere() -> None:
    text = baseline.write([RACE], SOURCES, FOLDER)
    lower = {"k.py": SourceFile("k.py", "import x\n\n" + SOURCE.text)}
    moved = replace(RACE, span=Span("k.py", 9, 13, 9, 20), message="in other words")
    assert compared(text, moved, sources=lower) == baseline.Compared((), 1, 0)


@pytest.mark.parametrize(
    "other",
    [
        replace(RACE, code="OX301"),
        replace(RACE, kernel="other"),
        replace(RACE, span=Span("k.py", 5, 5, 5, 10)),
    ],
)
def test_other_findings_are_new(other) -> None:
    text = baseline.write([RACE], SOURCES, FOLDER)
    assert compared(text, other) == baseline.Compared((other,), 0, 1)


def test_as_many_are_known_as_there_were() -> None:
    text = baseline.write([RACE, RACE], SOURCES, FOLDER)
    assert text.count("fingerprint") == 1
    assert compared(text, RACE, RACE, RACE) == baseline.Compared((RACE,), 2, 0)
    assert compared(text, RACE) == baseline.Compared((), 1, 1)


def test_only_checked_files_have_stale_entries() -> None:
    text = baseline.write([RACE], SOURCES, FOLDER)
    assert compared(text, checked=()) == baseline.Compared((), 0, 0)
    assert compared(text) == baseline.Compared((), 0, 1)


def test_paths_do_not_depend_on_how_a_file_was_named() -> None:
    text = baseline.write([RACE], SOURCES, FOLDER)
    path = str(FOLDER / "k.py")
    same = replace(RACE, span=replace(RACE.span, path=path))
    assert compared(text, same, sources={path: SOURCE}) == baseline.Compared((), 1, 0)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"version": 2}', '{"version": 1}'])
def test_what_is_no_baseline(text: str) -> None:
    with pytest.raises(BaselineError):
        baseline.read(text)
