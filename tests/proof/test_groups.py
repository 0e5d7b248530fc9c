"""Many accesses of one form: asked about at once, and never proved together if one pair meets."""

from __future__ import annotations

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.ir.specialise import specialise
from oxide_analyzer.modules import NoModules
from oxide_analyzer.proof import groups
from oxide_analyzer.proof.allowance import SPENT, allowed
from oxide_analyzer.proof.ladder import judge
from oxide_analyzer.proof.subjects import Kind
from oxide_analyzer.proof.verdicts import Judged, Unknown
from oxide_analyzer.source import SourceFile

_HEAD = """
from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread, block

BLOCK = 64

@kernel(block=BLOCK)
def k(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 40 * BLOCK)
    t = thread.x
    i = thread.index_1d()
"""


def _verdict(*lines: str) -> Verdict:
    text = _HEAD + "".join(f"    {line}\n" for line in lines)
    return check(SourceFile("k.py", text), NoModules()).kernels[0].verdict


def _stores(offsets: list[str], array: str = "tile", index: str = "t") -> list[str]:
    return [f"{array}[{index} + {o}] = f32(t)" for o in offsets]


def _rows(count: int) -> list[str]:
    return [f"{k} * BLOCK" for k in range(count)]


def test_stores_of_rows_do_not_meet() -> None:
    assert _verdict(*_stores(_rows(12))) is Verdict.PROVED


@pytest.mark.parametrize("place", [0, 5, 10])
@pytest.mark.parametrize("off", ["1", "BLOCK - 1", "63"])
def test_one_store_between_the_rows_is_found(place: int, off: str) -> None:
    rows = _rows(12)
    rows[place] = f"{place} * BLOCK + {off}"
    assert _verdict(*_stores(rows)) is Verdict.VIOLATED


def test_one_of_many_reads_that_meets_a_store_is_found() -> None:
    reads = [f"out[i] = tile[t + {k} * BLOCK]" for k in range(8)]
    guarded = ["if i < len(out):", *(f"    {r}" for r in reads)]
    # What is read was stored by the same thread, save in the last line.
    assert _verdict(*_stores(_rows(8)), *guarded) is Verdict.PROVED
    meets = "    out[i] = tile[(t + 1) % BLOCK + 3 * BLOCK]"
    assert _verdict(*_stores(_rows(8)), *guarded, meets) is Verdict.VIOLATED


def test_a_step_that_all_offsets_share_but_one() -> None:
    even = [f"2 * t + {2 * BLOCK * k}" for BLOCK in (64,) for k in range(8)]
    lines = [f"tile[{e}] = f32(t)" for e in even]
    assert _verdict(*lines) is Verdict.PROVED
    assert _verdict(*lines, "tile[2 * t + 130] = f32(t)") is Verdict.VIOLATED
    assert _verdict(*lines, "tile[2 * t + 129] = f32(t)") is Verdict.PROVED


def test_the_least_and_the_greatest_index_bound_all() -> None:
    loads = [f"    out[i] = a[i + {k}]" for k in range(8)]
    assert _verdict("if i + 7 < len(a) and i < len(out):", *loads) is Verdict.PROVED
    below = [f"    out[i] = a[i - {k}]" for k in range(8)]
    assert _verdict("if 7 <= i < len(a) and i < len(out):", *below) is Verdict.PROVED
    assert _verdict("if 6 <= i < len(a) and i < len(out):", *below) is Verdict.VIOLATED
    assert _verdict(*_stores(_rows(40))) is Verdict.PROVED
    assert _verdict(*_stores(_rows(41))) is Verdict.VIOLATED


def _races(*lines: str) -> int:
    judged = _judged(*lines)
    return sum(j.obligation.kind is Kind.RACE for j in judged)


def _judged(*lines: str) -> tuple[Judged, ...]:
    text = _HEAD + "".join(f"    {line}\n" for line in lines)
    (kernel,) = read(SourceFile("k.py", text), NoModules()).kernels
    return judge(specialise(kernel, {c.symbol: 64 for c in kernel.constants})).judged


def test_pairs_that_one_question_settles_are_one_obligation() -> None:
    assert _races(*_stores(_rows(30))) == 1


def test_of_many_pairs_with_one_distance_one_is_asked() -> None:
    pairs = ("load and store", "store and store")
    assert _races(*("tile[t] = tile[t] + 1.0" for _ in range(40))) == len(pairs)


def test_a_kernel_whose_steps_end_says_so() -> None:
    lines = ("if i < len(a) and a[i] > 1e30 and len(out) > 9:", "    out[i % 7] = f32(t)")
    with allowed(100_000):
        enough = {j.result for j in _judged(*lines) if isinstance(j.result, Unknown)}
    with allowed(5):
        spent = {j.result for j in _judged(*lines) if isinstance(j.result, Unknown)}
    assert Unknown(SPENT) in spent
    assert Unknown(SPENT) not in enough


def test_what_meets_itself_is_a_pair_too() -> None:
    assert groups.groups(()) == {}
    assert _verdict("tile[t // 2] = f32(t)") is Verdict.VIOLATED
