"""All threads count in one element: atomics may meet anywhere, within a block and between blocks."""
# launch: grid=2, block=32, a=50, count=1, limit=1.0
# launch: grid=1, block=32, a=5, count=3, limit=0.0

from oxide import AtomicSlice, Slice, atomic, f32, kernel, thread, u32


@kernel(requires=lambda count: len(count) >= 1)
def count_above(a: Slice[f32], count: AtomicSlice[u32], limit: f32):
    i = thread.index_1d()
    if i < len(a) and a[i] > limit:
        atomic.add(count, 0, 1)
