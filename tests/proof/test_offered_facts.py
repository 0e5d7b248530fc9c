"""A fact that would make an access unreachable is not inferred; it is offered as a fix."""

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Edit
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

SOURCE = """\
from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel
def behind(out: DisjointSlice[f32], rest: DisjointSlice[f32], n: i32):
    i = thread.index_1d()
    if i < n and i >= len(out):
        out[i] = 0.0
    if i < len(rest):
        rest[i] = 0.0
"""


def test_a_fact_that_silences_an_access_is_offered():
    report = check(SourceFile("k.py", SOURCE), NoModules())
    (found,) = [d for d in report.diagnostics if d.code == "OX301"]
    # A guard would hide that no index is right there.
    (fix,) = found.fixes
    (edit,) = fix.edits
    line = SOURCE.splitlines()[edit.span.line - 1]
    changed = line[: edit.span.column - 1] + edit.text + line[edit.span.column - 1 :]
    assert changed == "@kernel(requires=lambda out, n: len(out) >= n)"
    fixed = check(SourceFile("k.py", SOURCE.replace("@kernel", changed)), NoModules())
    assert [k.verdict for k in fixed.kernels] == ["proved"]


EXTENDED = """\
from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(requires=lambda idx, a: len(a) == len(idx))
def scatter(idx: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(idx):
        out[idx[i]] = a[i]
"""


def applied(text: str, edits: list[Edit]) -> str:
    lines = text.splitlines(keepends=True)
    for edit in sorted(edits, key=lambda e: (e.span.line, e.span.column), reverse=True):
        line = lines[edit.span.line - 1]
        start, end = edit.span.column - 1, edit.span.end_column - 1
        lines[edit.span.line - 1] = line[:start] + edit.text + line[end:]
    return "".join(lines)


def test_facts_about_data_are_offered_and_extend_the_contract():
    text = EXTENDED.replace("i32, kernel", "i32, injective, kernel, within")
    for code in ("OX102", "OX301"):
        report = check(SourceFile("k.py", text), NoModules())
        found = next(d for d in report.diagnostics if d.code == code)
        fix = next(f for f in found.fixes if f.title.startswith("declare"))
        text = applied(text, list(fix.edits))
    assert text.splitlines()[3] == (
        "@kernel(requires=lambda idx, a, out: len(a) == len(idx) and injective(idx)"
        " and within(idx, 0, len(out)))"
    )
    assert [k.verdict for k in check(SourceFile("k.py", text), NoModules()).kernels] == ["proved"]


def test_what_is_asserted_of_a_launch_may_be_declared():
    source = SOURCE.replace(
        "    if i < n and i >= len(out):", "    assert n <= len(out)\n    if i < n:"
    )
    report = check(SourceFile("k.py", source), NoModules())
    (found,) = [d for d in report.diagnostics if d.code == "OX308"]
    assert [f.title for f in found.fixes] == ["declare `n <= len(out)`"]


SPREAD = """\
from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def spread(weights: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = weights[0] + weights[1] + weights[3] + weights[2]
"""


def test_of_facts_that_imply_each_other_the_strongest_is_said():
    report = check(SourceFile("k.py", SPREAD), NoModules())
    facts = [fact.text for kernel in report.kernels for fact in kernel.facts]
    assert "len(weights) >= 4" in facts
    assert not [text for text in facts if text.startswith("len(weights)") and "4" not in text]
