"""Findings moved from an older text to a newer one."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from oxide_analyzer.diagnostics import Diagnostic, Edit, Fix, Severity
from oxide_analyzer.source import SourceFile, Span
from oxide_lsp.carry import carry

OLD = """\
def one(a):
    a[0] = 1
    a[1] = 2


def two(a):
    a[0] = 3
    a[1] = 4
"""


@dataclass
class Placed:
    qualname: str
    span: Span


def kernels(source: SourceFile) -> list[Placed]:
    functions = [n for n in ast.parse(source.text).body if isinstance(n, ast.FunctionDef)]
    return [Placed(f.name, source.span(f)) for f in functions]


def finding(line: int) -> Diagnostic:
    span = Span("k.py", line, 5, line, 9)
    fix = Fix("insert", (Edit(span.start(), "x"),))
    return Diagnostic(span, "OX104", "shared-memory-race", Severity.ERROR, "m", fixes=(fix,))


def carried(new_text: str, *lines: int) -> list[tuple[int, bool]]:
    """The new lines of findings on old lines, and whether they still have their fixes."""
    old, new = SourceFile("k.py", OLD), SourceFile("k.py", new_text)
    moved = carry(map(finding, lines), old, kernels(old), new, kernels(new), parses=True)
    for m in moved:
        assert all(e.span.line == m.span.line for fix in m.fixes for e in fix.edits)
    return [(m.span.line, bool(m.fixes)) for m in moved]


def test_a_kernel_that_moved_takes_its_findings_along() -> None:
    assert carried("# top\n\n" + OLD, 2, 8) == [(4, True), (10, True)]


def test_kernels_that_changed_places_keep_their_findings() -> None:
    one, two = OLD.split("\n\n\n")
    assert carried(f"{two}\n\n{one}", 2, 8) == [(7, True), (3, True)]


def test_a_kernel_that_is_gone_takes_its_findings_along() -> None:
    assert carried(OLD.split("\n\n\n")[1], 2, 8) == [(3, True)]


def test_in_an_edited_kernel_lines_around_the_edit_stay() -> None:
    inserted = OLD.replace("    a[1] = 2", "    b = 7\n    a[1] = 2")
    assert carried(inserted, 2, 3, 8) == [(2, True), (4, True), (9, True)]


def test_a_finding_on_an_edited_line_stays_without_its_fix() -> None:
    assert carried(OLD.replace("a[1] = 2", "a[1] = 22"), 2, 3) == [(2, True), (3, False)]


def test_a_finding_on_a_deleted_line_goes() -> None:
    assert carried(OLD.replace("    a[1] = 2\n", ""), 2, 3) == [(2, True)]


def test_nothing_goes_while_the_file_does_not_parse() -> None:
    old = SourceFile("k.py", OLD)
    new = SourceFile("k.py", OLD.replace("def two(a):", "def two(a:"))
    moved = carry(map(finding, (2, 8)), old, kernels(old), new, (), parses=False)
    assert [m.span.line for m in moved] == [2, 8]
