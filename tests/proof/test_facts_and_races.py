"""What is inferred of lengths, or declared of elements, hides neither race nor stray load."""

from __future__ import annotations

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.report import KernelReport
from oxide_analyzer.source import SourceFile

PROLOGUE = """\
from oxide import (
    DisjointSlice, DisjointSlice2D, Slice, Slice2D, f32, i32, injective, kernel, thread, within,
)


"""


def report(kernel: str) -> KernelReport:
    found = check(SourceFile("k.py", PROLOGUE + kernel), NoModules())
    (one,) = found.kernels
    return one


# That `a` is as long as `n` would be inferred for the load; races where it is shorter count.
RACES_WHERE_SHORT = """\
@kernel(domain=1)
def k(a: Slice[f32], n: i32, out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < n and i < len(out):
        out[i] = a[i]
        if n > len(a):
            out[0] = 1.0
"""


def test_a_length_that_is_inferred_hides_no_race() -> None:
    found = report(RACES_WHERE_SHORT)
    assert found.verdict is not Verdict.PROVED


# The load of the index is not proved to be inside; a stray one gives no element of the array.
STRAYS = """\
@kernel(domain=1, requires=lambda idx, out: injective(idx) and within(idx, 0, len(out)))
def k(idx: Slice[i32], at: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(at):
        j = at[i]
        if j >= 0:
            out[idx[j + i]] = 1.0
"""


def test_what_is_declared_of_elements_is_not_said_of_stray_loads() -> None:
    found = report(STRAYS)
    assert found.verdict is not Verdict.PROVED
    assert found.checked is None


WRITTEN = """\
@kernel(domain=1, requires=lambda idx: injective(idx))
def k(idx: DisjointSlice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(idx):
        idx[i] = 0
        j = idx[i]
        if 0 <= j and j < len(out):
            out[j] = 1.0
"""


def test_what_is_written_is_not_what_was_declared() -> None:
    assert report(WRITTEN).verdict is not Verdict.PROVED


# The sign serves two threads, that the divisor is not zero one; the second says both.
PLACED_BY_WIDTH = """\
@kernel(domain=1)
def k(flat: Slice[f32], width: i32, out: DisjointSlice2D[f32]):
    i = thread.index_1d()
    if i < len(flat):
        row, column = i // width, i % width
        if row < out.shape[0] and column < out.shape[1]:
            out[row, column] = flat[i]
"""


def test_a_sign_that_another_fact_implies_is_not_said() -> None:
    found = report(PLACED_BY_WIDTH)
    assert found.verdict is Verdict.PROVED
    assert [fact.text for fact in found.facts] == ["width >= 1"]
