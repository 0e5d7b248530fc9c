"""What an analysis makes is freed as soon as nobody holds it: it leaves no cycles behind.

A check makes tens of thousands of small values. As long as they form no cycles they go when the
check ends; else the collector of garbage would have to walk through all of them, again and again.
"""

from __future__ import annotations

import gc

from oxide_analyzer.analysis import check
from oxide_analyzer.diagnostics import Verdict
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile

# Loops and shared memory, and facts that launches are tried for.
KERNEL = """\
from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread, block


@kernel(block=64)
def k(a: Slice[f32], n: i32, out: DisjointSlice[f32]):
    tile = SharedArray(f32, 64)
    t, i = thread.x, thread.index_1d()
    total = 0.0
    for j in range(n):
        tile[t] = a[j * 64 + t] if j * 64 + t < len(a) else 0.0
        sync_threads()
        total += tile[63 - t]
        sync_threads()
    if i < len(out):
        out[i] = total / f32(64 // n)
"""
BROKEN = KERNEL.replace("        sync_threads()\n        total", "        total")
# What modules and caches of the language itself leave once is no matter.
FEW = 100


def test_an_analysis_leaves_nothing_to_the_collector() -> None:
    for text, verdict in ((KERNEL, Verdict.PROVED), (BROKEN, Verdict.VIOLATED)):
        source = SourceFile("k.py", text)
        check(source, NoModules())
        gc.collect()
        gc.disable()
        try:
            (kernel,) = check(source, NoModules()).kernels
            assert kernel.verdict is verdict
            del kernel
            assert gc.collect() < FEW
        finally:
            gc.enable()
