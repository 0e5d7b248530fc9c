"""Numba programs with their launches: what the analyzer says is what the annotations say."""

from __future__ import annotations

from pathlib import Path

import pytest

from annotations import expectations, mismatches
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.source import SourceFile

HERE = Path(__file__).parent


def _report(path: Path):
    source = SourceFile(path.name, path.read_text(encoding="utf-8"))
    return source, check(source, ProjectModules((path.parent,)))


@pytest.mark.parametrize("path", sorted((HERE / "safe").glob("*.py")), ids=lambda p: p.stem)
def test_right_programs_are_proved(path: Path) -> None:
    _, report = _report(path)
    assert mismatches([], report.diagnostics) == []
    assert {k.name: k.verdict for k in report.kernels} == {
        k.name: Verdict.PROVED for k in report.kernels
    }
    assert all(k.dialect == "numba" and not k.assumed for k in report.kernels)


@pytest.mark.parametrize("path", sorted((HERE / "unsafe").glob("*.py")), ids=lambda p: p.stem)
def test_broken_programs_are_found(path: Path) -> None:
    source, report = _report(path)
    found = [d for d in report.diagnostics if d.severity is not Severity.INFORMATION]
    assert mismatches(expectations(source.path, source.text), found) == []
    assert all(k.verdict is Verdict.VIOLATED for k in report.kernels)
