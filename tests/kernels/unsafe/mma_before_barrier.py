"""The fragment is loaded before the other threads have written the tile."""
# launch: grid=1, block=32, a=(16, 16), c=(16, 8)

from oxide import (
    DisjointSlice2D,
    SharedArray,
    Slice2D,
    bf16,
    f32,
    kernel,
    mma,
    sync_threads,
    thread,
)


@kernel(
    block=32,
    requires=lambda a, c: (
        a.shape[0] == 16 and a.shape[1] == 16 and c.shape[0] == 16 and c.shape[1] == 8
    ),
)
def square(a: Slice2D[bf16], c: DisjointSlice2D[f32]):
    tile = SharedArray(bf16, (16, 24))
    for j in range(8):
        row, col = 2 * j + thread.x // 16, thread.x % 16
        tile[row, col] = a[row, col]  # error: [OX104]
    left = mma.FragmentA(bf16, 16)
    right = mma.FragmentB(bf16, 8)
    total = mma.Accumulator(16, 8)
    mma.load(left, tile, 0, 0)
    sync_threads()
    mma.load(right, tile, 0, 0)
    mma.multiply_add(total, left, right)
    mma.store(c, 0, 0, total)  # also: [OX105]
