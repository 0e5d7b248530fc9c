"""A block size that is captured: the shared array has as many elements as the block threads."""
# launch: grid=2, block=16, a=30, out=30, size=16
# launch: grid=1, block=4, a=3, out=3, size=4

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, sync_threads, thread


def reverser(size: int):
    @kernel(block=size, requires=lambda a, out: len(a) == len(out))
    def reverse(a: Slice[f32], out: DisjointSlice[f32]):
        tile = SharedArray(f32, size)
        t, i = thread.x, thread.index_1d()
        tile[t] = a[i] if i < len(a) else 0.0
        sync_threads()
        if i < len(out):
            out[i] = tile[size - 1 - t]

    return reverse
