"""Chunks that are one element longer than their distance, which only the launch knows."""
# launch: grid=1, block=8, a=60, chunk=3

from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel
def double(a: DisjointSlice[f32], chunk: i32):
    for c in range(chunk + 1):
        i = thread.index_1d() * chunk + c
        if 0 <= i < len(a):
            a[i] *= 2.0  # error: [OX102]
