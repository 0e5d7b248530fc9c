"""Rows of a shared tile are read by units of 16 bytes, which begin at each eighth element."""
# launch: grid=1, block=32, a=(16, 24), c=(16, 8)

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
        a.shape[0] == 16 and a.shape[1] == 24 and c.shape[0] == 16 and c.shape[1] == 8
    ),
)
def square(a: Slice2D[bf16], c: DisjointSlice2D[f32]):
    tile = SharedArray(bf16, (16, 24))
    for j in range(12):
        place = 32 * j + thread.x
        tile[place // 24, place % 24] = a[place // 24, place % 24]
    sync_threads()
    left = mma.FragmentA(bf16, 16)
    right = mma.FragmentB(bf16, 8)
    total = mma.Accumulator(16, 8)
    mma.load(left, tile, 0, 4)  # error: [OX306]
    mma.load(right, tile, 0, 8)
    mma.multiply_add(total, left, right)
    mma.store(c, 0, 0, total)  # also: [OX105]
