"""The kernel that random host programs launch."""

from __future__ import annotations

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def shift(a: Slice[f32], out: DisjointSlice[f32]) -> None:
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i] + 1.0
