"""Kernels with something to violate at their launch."""

from oxide import (
    DisjointSlice,
    Slice,
    block,
    dynamic_shared,
    f32,
    fence,
    grid_sync,
    kernel,
    sync_threads,
    thread,
)


@kernel(requires=lambda a, b: len(a) >= len(b))
def copy(a: Slice[f32], b: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(b):
        b[i] = a[i]


@kernel(block=(64, 2))
def exact(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and thread.y == 0 and block.y == 0:
        a[i] = 1.0


@kernel(max_threads=128)
def bounded(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = 1.0


@kernel(block=64, shared=1024)
def shares(a: DisjointSlice[f32]):
    tile = dynamic_shared(f32)
    i = thread.index_1d()
    if thread.x < len(tile):
        tile[thread.x] = 1.0
    sync_threads()
    if i < len(a):
        a[i] = 1.0


@kernel(block=1024, cooperative=True)
def together(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = 1.0
    grid_sync()


@kernel
def clustered(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = 1.0
    fence("cluster")


@kernel(cluster=(2, 2))
def in_clusters(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and thread.y == 0 and block.y == 0:
        a[i] = 1.0
