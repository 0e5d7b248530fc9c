"""`with unsafe("…")` lifts what lies inside, is listed, and is known to no proof."""

from __future__ import annotations

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.report import KernelReport
from oxide_analyzer.source import SourceFile

PROLOGUE = """\
from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread, unsafe


"""

SCATTER = """\
@kernel(requires=lambda a, place: len(a) == len(place))
def scatter(a: Slice[f32], place: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(place):
        with unsafe("place is a permutation"):
            out[place[i]] = a[i]
"""

# Vouched for is that n is not zero; that is not known behind the block.
LEANS = """\
@kernel(domain=1, requires=lambda n: n >= 0)
def leans(a: Slice[f32], n: i32, out: DisjointSlice[f32]):
    i = thread.index_1d()
    with unsafe("n is not zero"):
        k = i % n
    if i < len(out):
        if n == 0:
            out[0] = 1.0
        else:
            out[i] = f32(k)
"""

ASSERTED = """\
@kernel
def asserted(a: Slice[f32], n: i32, out: DisjointSlice[f32]):
    i = thread.index_1d()
    with unsafe("whoever launches it sees to that"):
        assert n <= len(a)
    if i < n and i < len(out):
        out[i] = a[i]
"""

# The condition is read from memory whose races are vouched for: it may differ between threads.
UNIFORM = """\
@kernel(block=64, domain=1, requires=lambda go: len(go) >= 1)
def uniform(go: DisjointSlice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    with unsafe("one of them wins"):
        go[0] = i32(i)
    if go[0] == 3:
        sync_threads()
"""


def report(kernel: str) -> KernelReport:
    found = check(SourceFile("k.py", PROLOGUE + kernel), NoModules())
    (one,) = found.kernels
    return one


def test_what_lies_inside_is_lifted_and_listed() -> None:
    found = report(SCATTER)
    assert found.verdict is Verdict.PROVED
    assert found.obligations.lifted == 3
    assert [(p.line, p.text) for p in found.unsafe] == [(8, "place is a permutation")]
    assert found.diagnostics == () or {d.code for d in found.diagnostics} == {"OX402"}
    assert found.checked is not None


def test_what_can_be_checked_still_is() -> None:
    found = report(SCATTER)
    assert found.checked is not None
    assert len(found.checked.proved_bounds) < 3


def test_no_proof_knows_what_is_vouched_for() -> None:
    assert report(LEANS).verdict is not Verdict.PROVED
    assert {d.code for d in report(ASSERTED).diagnostics if d.code != "OX402"} <= {"OX301"}


def test_convergence_does_not_rest_on_it() -> None:
    assert report(UNIFORM).verdict is not Verdict.PROVED
