"""Pipelines of asynchronous copies, right and wrong: what is proved runs clean.

All ways to write one pipeline: how many sides there are and how far copies run ahead, where waits
and barriers stand and for what a wait waits, whether a round that copies nothing commits.
"""

from __future__ import annotations

from itertools import product
from random import Random

import pytest

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.frontends.oxide import read
from oxide_analyzer.interpreter import run
from oxide_analyzer.launch import Contents, Launch
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

HEAD = """
from oxide import DisjointSlice, SharedArray, Slice, async_commit, async_copy, async_wait, atomic
from oxide import AtomicSlice, f32, kernel, sync_threads, thread, u32
"""
PIPELINE = """
@kernel(block=8, domain=1, requires=lambda a, n: len(a) >= 8 * n and n >= 0)
def k(a: Slice[f32], out: DisjointSlice[f32], n: int):
    tile = SharedArray(f32, ({sides}, 8))
    t, i = thread.x, thread.index_1d()
    for p in range({ahead}):
        if p < n:
            async_copy(tile, (p % {sides}, t), a, 8 * p + t, 1)
        async_commit()
    total = 0.0
    for k in range(n):
        {first}
        if k + {ahead} < n:
            async_copy(tile, ((k + {ahead}) % {sides}, t), a, 8 * (k + {ahead}) + t, 1)
        {indent}async_commit()
        {second}
        total += tile[k % {sides}, 7 - t]
        {third}
    if i < len(out):
        out[i] = total
"""
WAIT, BARRIER, NOTHING = "async_wait({0})", "sync_threads()", "pass"
FORMS = [
    PIPELINE.format(
        sides=sides,
        ahead=ahead,
        indent=indent,
        first=first.format(left),
        second=second.format(left),
        third=third,
    )
    for sides, ahead, left, indent in product((1, 2, 3), (0, 1, 2), (0, 1, 2), ("", "    "))
    for first, second in (
        (f"{WAIT}; {BARRIER}", NOTHING),
        (f"{BARRIER}; {WAIT}", NOTHING),
        (NOTHING, f"{WAIT}; {BARRIER}"),
        (BARRIER, WAIT),
    )
    for third in (BARRIER, NOTHING)
]
SLICE = Random(5).sample(FORMS, 24)


def plays(text: str) -> bool:
    """Whether it runs clean for every small number of chunks."""
    (kernel,) = read(SourceFile("k.py", text), NoModules()).kernels
    for n in (0, 1, 2, 5):
        arrays = {
            "a": Contents((8 * n,), tuple(float(v) for v in range(8 * n))),
            "out": Contents((8,), (0.0,) * 8),
        }
        if run(kernel, Launch((1, 1, 1), (8, 1, 1), {"n": n}, arrays)).failures:
            return False
    return True


def verdict(text: str) -> Verdict:
    (report,) = check(SourceFile("k.py", text), NoModules()).kernels
    return report.verdict


@pytest.mark.parametrize("number", range(len(SLICE)))
def test_what_is_proved_runs_clean(number: int) -> None:
    text = HEAD + SLICE[number]
    found = verdict(text)
    clean = plays(text)
    assert (found is Verdict.PROVED) <= clean, text
    assert (found is Verdict.VIOLATED) <= (not clean), text


def test_a_flag_does_not_wait_for_a_copy() -> None:
    text = (
        HEAD
        + """
@kernel(block=64, domain=1, requires=lambda a, flag, out: len(a) >= 1 and len(flag) == 1)
def k(a: Slice[f32], flag: AtomicSlice[u32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 1)
    t, i = thread.x, thread.index_1d()
    if t == 0:
        async_copy(tile, 0, a, 0, 1)
        async_commit()
        atomic.store(flag, 0, 1, order="release")
    if t == 32:
        while atomic.load(flag, 0, order="acquire") == 0:
            pass
        if i < len(out):
            out[i] = tile[0]
"""
    )
    assert verdict(text) is not Verdict.PROVED
