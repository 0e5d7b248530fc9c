"""A shift in place with a barrier: it orders the block, and the blocks beside it not."""
# launch: grid=2, block=16, a=40

from oxide import DisjointSlice, f32, kernel, sync_threads, thread


@kernel
def shift(a: DisjointSlice[f32]):
    i = thread.index_1d()
    value = a[i + 1] if i + 1 < len(a) else 0.0
    sync_threads()
    if i < len(a):
        a[i] = value  # error: [OX105]
