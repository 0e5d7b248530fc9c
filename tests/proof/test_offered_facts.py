"""A fact that would make an access unreachable is not inferred; it is offered as a fix."""

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

SOURCE = """\
from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel
def behind(out: DisjointSlice[f32], n: i32):
    i = thread.index_1d()
    if i < n and i >= len(out):
        out[i] = 0.0
"""


def test_a_fact_that_silences_an_access_is_offered():
    report = check(SourceFile("k.py", SOURCE), NoModules())
    (found,) = [d for d in report.diagnostics if d.code == "OX301"]
    (fix,) = found.fixes
    (edit,) = fix.edits
    line = SOURCE.splitlines()[edit.span.line - 1]
    changed = line[: edit.span.column - 1] + edit.text + line[edit.span.column - 1 :]
    assert changed == "@kernel(requires=lambda out, n: len(out) >= n)"
    fixed = check(SourceFile("k.py", SOURCE.replace("@kernel", changed)), NoModules())
    assert [k.verdict for k in fixed.kernels] == ["proved"]
