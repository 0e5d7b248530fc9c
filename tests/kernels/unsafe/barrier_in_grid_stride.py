"""A barrier in a grid-stride loop: the last round is short of threads."""
# launch: grid=1, block=32, a=40

from oxide import DisjointSlice, f32, grid_stride, kernel, sync_threads


@kernel
def double(a: DisjointSlice[f32]):
    for i in grid_stride(len(a)):
        a[i] *= 2.0
        sync_threads()  # error: [OX201]
