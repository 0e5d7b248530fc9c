"""Every annotated kernel: what the analyzer says is what the annotations say, no more, no less."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations import expectations, mismatches
from mdtest import Section, sections
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.modules import NoModules, ProjectModules
from oxide_analyzer.source import SourceFile

ERROR, WARNING = Severity.ERROR, Severity.WARNING
TESTS = Path(__file__).parent
SAFE = [
    *sorted((TESTS / "kernels" / "safe").glob("*.py")),
    *sorted(p for p in (TESTS.parent / "examples").glob("*.py") if p.name != "run_all.py"),
]
UNSAFE = sorted((TESTS / "kernels" / "unsafe").glob("*.py"))
# Correct kernels that the provers do not settle yet: what is said of them today.
UNPROVED = sorted((TESTS / "kernels" / "unproved").glob("*.py"))
# What the model of Oxide refuses (by the number of its case), and what it should have refused.
SUITES = [
    *sorted((TESTS / "kernels" / "parity").glob("*.py")),
    *sorted((TESTS / "kernels" / "beyond").glob("*.py")),
]
LITERATE = [
    section
    for path in sorted((TESTS / "mdtest").rglob("*.md"))
    for section in sections(path, path.relative_to(TESTS.parent).as_posix())
]


def _name(value: Path | Section) -> str:
    return value.stem if isinstance(value, Path) else f"{value.path}: {value.title}"


def _source(path: Path) -> SourceFile:
    shown = path.relative_to(TESTS.parent).as_posix()
    return SourceFile(shown, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SAFE, ids=_name)
def test_safe_kernel_is_proved(path: Path) -> None:
    source = _source(path)
    expected = expectations(source.path, source.text)
    report = check(source, ProjectModules((path.parent,)))
    # What is proved may still be slow, and only that is announced.
    assert mismatches(expected, report.diagnostics) == []
    assert {expectation.severity for expectation in expected} <= {Severity.HINT}
    assert report.kernels, "the file has no kernel"
    assert {k.name: k.verdict for k in report.kernels} == {
        k.name: Verdict.PROVED for k in report.kernels
    }


@pytest.mark.parametrize("path", UNSAFE, ids=_name)
def test_unsafe_kernel_is_found(path: Path) -> None:
    source = _source(path)
    expected = expectations(source.path, source.text)
    report = check(source, ProjectModules((path.parent,)))
    assert mismatches(expected, report.diagnostics) == []
    assert expected, "nothing is annotated"


@pytest.mark.parametrize("path", UNPROVED, ids=_name)
def test_unproved_kernel_is_neither(path: Path) -> None:
    source = _source(path)
    report = check(source, ProjectModules((path.parent,)))
    assert mismatches(expectations(source.path, source.text), report.diagnostics) == []
    assert {k.verdict for k in report.kernels} == {Verdict.UNPROVED}


@pytest.mark.parametrize("path", SUITES, ids=_name)
def test_suite_of_the_model(path: Path) -> None:
    source = _source(path)
    expected = expectations(source.path, source.text)
    report = check(source, ProjectModules((path.parent,)))
    assert mismatches(expected, report.diagnostics) == []
    spoken_of = {d.kernel for d in report.diagnostics if d.severity in (ERROR, WARNING)}
    for kernel in report.kernels:
        assert (kernel.verdict is Verdict.PROVED) == (kernel.name not in spoken_of), kernel.name


@pytest.mark.parametrize("section", LITERATE, ids=_name)
def test_literate(section: Section) -> None:
    report = check(SourceFile(section.path, section.text), NoModules())
    assert mismatches(expectations(section.path, section.text), report.diagnostics) == []
