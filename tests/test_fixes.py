"""Fixes are right: the finding is gone, nothing new is found, and the kernel computes the same.

Here for one cheap kernel of each kind of fix; `benchmarks/fixes.py` tries all.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fixing import trials
from oxide_analyzer import edits
from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules, ProjectModules
from oxide_analyzer.source import SourceFile

TESTS = Path(__file__).parent
# A kernel, the rule, and how the title of a fix begins that it is offered.
CASES = [
    ("kernels/beyond/b03_grid_sync.py", "OX204", "Declare"),
    ("kernels/beyond/b06_one_slice_for_all_threads.py", "OX102", "change `"),
    ("kernels/beyond/b08_scopes.py", "OX107", "give the atomic scope="),
    ("kernels/beyond/b12_names_by_meaning.py", "OX205", "remove the barrier"),
    ("kernels/unsafe/all_to_one_same_value.py", "OX109", "write `"),
    ("kernels/unsafe/assertion_that_fails.py", "OX308", "declare"),
    ("kernels/unsafe/async_own_too_early.py", "OX207", "insert `async_wait(0)`"),
    ("kernels/unsafe/async_without_wait.py", "OX207", "insert `async_wait(0)` and"),
    ("kernels/unsafe/barrier_under_guard.py", "OX201", "move `sync_threads()` out"),
    ("kernels/unsafe/fixed_point_no_last_barrier.py", "OX104", "insert `sync_threads()` below"),
    ("kernels/unsafe/flag_read_while_set.py", "OX104", "insert `sync_threads()` above"),
    ("kernels/unsafe/histogram_plain_total.py", "OX105", "change `"),
    ("kernels/unsafe/last_block_sum_no_fence.py", "OX206", "give the atomic on line"),
    ("kernels/unsafe/scatter_not_injective.py", "OX102", "declare `injective("),
    ("kernels/unsafe/stencil_2d_no_border_guard.py", "OX301", "take 0.0 where not"),
    ("kernels/unsafe/vecadd_no_guard.py", "OX301", "guard it with `if i <"),
    ("numba/unsafe/races.py", "OX102", "change `"),
]


@pytest.mark.parametrize(("name", "code", "title"), CASES, ids=lambda one: one.split("/")[-1])
def test_fix_is_right(name: str, code: str, title: str) -> None:
    path = TESTS / name
    source = SourceFile(name, path.read_text(encoding="utf-8"))
    tried = list(trials(source, ProjectModules((path.parent,))))
    assert [str(trial) for trial in tried if trial.problems] == []
    assert any(t.diagnostic.code == code and t.fix.title.startswith(title) for t in tried)


# ---------------------------------------------------------------- what is written


def fixed(text: str, code: str, number: int = 0) -> str:
    source = SourceFile("k.py", text)
    found = next(d for d in check(source, NoModules()).diagnostics if d.code == code)
    return edits.apply(source, found.fixes[number].edits)


def offered(text: str, code: str) -> list[str]:
    report = check(SourceFile("k.py", text), NoModules())
    return [fix.title for d in report.diagnostics if d.code == code for fix in d.fixes]


REVERSE = """\
import oxide as ox


@ox.kernel(block=64, requires=lambda a, out: len(a) == len(out))
def reverse(a: ox.Slice[ox.f32], out: ox.DisjointSlice[ox.f32]):
    tile = ox.SharedArray(ox.f32, 64)
    i = ox.thread.index_1d()
    tile[ox.thread.x] = a[i] if i < len(a) else 0.0
    x = (
        tile[63 - ox.thread.x]
    )  # a comment
    if i < len(out):
        out[i] = x
"""


def test_barrier_stands_in_front_of_the_whole_statement_in_the_words_of_the_file() -> None:
    assert fixed(REVERSE, "OX104") == REVERSE.replace(
        "    x = (", "    ox.sync_threads()\n    x = ("
    )


GUARDED = """\
from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread


@kernel(block=64, requires=lambda a, out: len(a) == len(out))
def previous(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    i = thread.index_1d()
    if i < len(a):
        tile[thread.x] = a[i]
        sync_threads()
        out[i] = tile[thread.x - 1] if thread.x > 0 else 0.0
"""


def test_barrier_leaves_the_middle_of_a_branch() -> None:
    assert fixed(GUARDED, "OX201") == GUARDED.replace(
        "        sync_threads()\n", "    sync_threads()\n    if i < len(a):\n"
    )


def test_barrier_stays_where_its_condition_may_have_changed() -> None:
    assert (
        offered(GUARDED.replace("if i < len(a):\n", "if i < len(a):\n        i = i + 0\n"), "OX201")
        == []
    )


COUNT = """\
from oxide import (
    DisjointSlice,
    Slice,
    i32,
    kernel,
    thread,
)


@kernel(requires=lambda a, out: len(out) >= 1)
def count(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(a):
        out[0] += a[i]
"""


def test_names_are_imported() -> None:
    text = fixed(COUNT, "OX102")
    assert "    atomic.add(out, 0, a[i])\n" in text.replace("        atomic", "    atomic")
    assert "out: AtomicSlice[i32]" in text
    assert (
        "    thread, atomic, AtomicSlice,\n)" in text
        or "    thread, AtomicSlice, atomic,\n)" in text
    )
    assert [k.verdict for k in check(SourceFile("k.py", text), NoModules()).kernels] == ["proved"]


def test_nothing_is_offered_under_a_name_that_the_file_gave_away() -> None:
    taken = COUNT.replace("@kernel", "atomic = 1\n\n\n@kernel")
    assert not any(title.startswith("change") for title in offered(taken, "OX102"))


def test_array_with_other_accesses_does_not_become_atomic() -> None:
    read = COUNT.replace("        out[0] += a[i]\n", "        out[0] += a[i] + out[0]\n")
    assert not any(title.startswith("change") for title in offered(read, "OX102"))


NUMBA = """\
from numba import cuda as gpu
import numba


@gpu.jit("void(float32[:], float32[:])")
def reverse(a, out):
    tile = gpu.shared.array(64, numba.float32)
    t = gpu.threadIdx.x
    tile[t] = a[t]
    out[t] = tile[63 - t]


reverse[1, 64](gpu.device_array(64, "f4"), gpu.device_array(64, "f4"))
"""


def test_fix_speaks_numba() -> None:
    assert fixed(NUMBA, "OX104") == NUMBA.replace("    out[t]", "    gpu.syncthreads()\n    out[t]")
    assert offered(NUMBA, "OX104") == ["insert `cuda.syncthreads()` above `out[t] = tile[63 - t]`"]


UNSAFE = """\
from oxide import DisjointSlice, kernel, f32, thread, unsafe


@kernel
def fill(out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        with unsafe("by the host"):
            # Each its own.
            out[i] = (
                1.0
            )
"""


def test_needless_unsafe_is_taken_away() -> None:
    text = fixed(UNSAFE, "OX703")
    body = "# Each its own.\nout[i] = (\n    1.0\n)\n".replace("\n", "\n        ").rstrip(" ")
    assert text.endswith(f"    if i < len(out):\n        {body}")
