"""Four elements per thread, three apart: the last is the next thread's first."""
# launch: grid=1, block=8, a=60

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def double(a: DisjointSlice[f32]):
    for c in range(4):
        i = thread.index_1d() * 3 + c
        if i < len(a):
            a[i] *= 2.0  # error: [OX102]
