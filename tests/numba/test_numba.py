"""Numba programs with their launches: what the analyzer says is what the annotations say."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

import pytest

from annotations import expectations, mismatches
from oxide_analyzer import edits
from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Severity, Verdict
from oxide_analyzer.language import numba
from oxide_analyzer.language.builtins import lookup
from oxide_analyzer.modules import ProjectModules
from oxide_analyzer.report import Report
from oxide_analyzer.source import SourceFile

HERE = Path(__file__).parent


PAGE = HERE.parent.parent / "docs" / "numba.md"


def _report(path: Path) -> tuple[SourceFile, Report]:
    source = SourceFile(path.name, path.read_text(encoding="utf-8"))
    return source, check(source, ProjectModules((path.parent,)))


@pytest.mark.parametrize("path", sorted((HERE / "safe").glob("*.py")), ids=lambda p: p.stem)
def test_right_programs_are_proved(path: Path) -> None:
    source, report = _report(path)
    hints = expectations(source.path, source.text)
    # Programs that announce no hint on speed are not about speed.
    said = [d for d in report.diagnostics if hints or d.severity is not Severity.HINT]
    assert mismatches(hints, said) == []
    assert {hint.severity for hint in hints} <= {Severity.HINT}
    assert {k.name: k.verdict for k in report.kernels} == {
        k.name: Verdict.PROVED for k in report.kernels
    }
    assert all(k.dialect == "numba" and not k.assumed for k in report.kernels)


@pytest.mark.parametrize("path", sorted((HERE / "unsafe").glob("*.py")), ids=lambda p: p.stem)
def test_broken_programs_are_found(path: Path) -> None:
    source, report = _report(path)
    quiet = Severity.INFORMATION, Severity.HINT
    found = [d for d in report.diagnostics if d.severity not in quiet]
    assert mismatches(expectations(source.path, source.text), found) == []
    assert all(k.verdict is Verdict.VIOLATED for k in report.kernels)


@pytest.mark.parametrize("path", sorted((HERE / "unproved").glob("*.py")), ids=lambda p: p.stem)
def test_what_only_the_author_knows_is_no_error(path: Path) -> None:
    source, report = _report(path)
    assert [d for d in report.diagnostics if d.severity is Severity.ERROR] == []
    lines = source.text.splitlines()
    stated = {k.name for k in report.kernels if "# proved" in lines[k.span.line - 1]}
    found = {k.name for k in report.kernels if k.verdict is Verdict.PROVED}
    assert found == stated
    assert all(k.facts for k in report.kernels if k.name in found)


def _rows(page: str) -> list[list[str]]:
    table = page.split("## Word by word\n")[1].split("\n## ", maxsplit=1)[0]
    lines = [line for line in table.splitlines() if line.startswith("| ") and "Oxide |" not in line]
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]


def test_the_page_names_what_there_is() -> None:
    rows = _rows(PAGE.read_text(encoding="utf-8"))
    assert len(rows) > 20
    for theirs, _, ours in rows:
        for name in re.findall(r"\bcuda\.([a-z]\w*(?:\.[a-z]\w*)*)", theirs):
            first = f"numba.cuda.{name.partition('.')[0]}"
            assert numba.row(f"cuda.{name}") is not None or first in numba.EXPORTS, name
        for name in re.findall(r"(?<![.\w])((?:\w+\.)?\w+)\(", ours):
            if name != "kernel":
                assert lookup(name) is not None, name


def test_fixes_on_the_page_are_those_that_are_offered() -> None:
    page = PAGE.read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    source = SourceFile("scale.py", program)
    found = min(check(source, ProjectModules(())).diagnostics, key=lambda d: d.span)
    fixed = edits.apply(source, found.fixes[0].edits)
    lines = difflib.unified_diff(program.splitlines(), fixed.splitlines(), lineterm="")
    changes = [line for line in lines if re.match(r"[+-](?![+-])", line)]
    shown = page.split("$ oxide-check --diff")[1].split("```")[0].splitlines()[1:]
    assert changes == shown


def test_the_page_says_what_the_checker_says() -> None:
    page = PAGE.read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    shown = page.split("```text\n")[1].split("```")[0]
    report = check(SourceFile("scale.py", program), ProjectModules(()))
    first = min(report.diagnostics, key=lambda d: d.span)
    assert f"error[{first.code}] {first.name}: {first.message}" in shown
    assert f"--> scale.py:{first.span.line}:{first.span.column} in `scale`" in shown
    assert [r.message for r in first.related if r.span.line == 15] == ["it is launched here"]


UNKNOWN = """\
from numba import cuda
from elsewhere import pick, touch


@cuda.jit
def stored(x, out):
    i = cuda.grid(1)
    if i < out.size:
        out[i] = pick(x[i])


@cuda.jit
def indexed(x, out):
    i = cuda.grid(1)
    if i < out.size:
        out[pick(i)] = 1


@cuda.jit
def waited(x, out):
    if pick(cuda.threadIdx.x):
        cuda.syncthreads()


@cuda.jit
def handed_on(x, out):
    touch(out)
    out[cuda.grid(1) // 2] = 1
"""


def test_what_nobody_knows_proves_nothing_and_is_counted() -> None:
    report = check(SourceFile("k.py", UNKNOWN), ProjectModules(()))
    found = {k.name: (k.verdict, len(k.assumed)) for k in report.kernels}
    assert found["stored"] == (Verdict.PROVED, 1)
    assert found["indexed"] == (Verdict.UNPROVED, 1)
    assert found["waited"] == (Verdict.UNPROVED, 1)
    # Of the array nothing is said any more, and the report says where that begins.
    assert found["handed_on"] == (Verdict.PROVED, 1)
    assert [p.line for k in report.kernels if k.name == "handed_on" for p in k.assumed] == [27]
