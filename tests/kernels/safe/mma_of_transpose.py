"""Products of halves with a transposed side, to and from shared memory."""
# launch: grid=2, block=64, a=(64, 16), b=(16, 16), c=(64, 16)
# launch: grid=1, block=64, a=(40, 16), b=(16, 16), c=(40, 16)

from oxide import (
    DisjointSlice2D,
    SharedArray,
    Slice2D,
    block,
    f16,
    kernel,
    mma,
    sync_threads,
    thread,
    warp,
)


@kernel(
    block=64,
    requires=lambda a, b, c: (
        a.shape[1] == 16
        and b.shape[0] == 16
        and b.shape[1] == 16
        and c.shape[0] == a.shape[0]
        and c.shape[1] == 16
    ),
)
def product(a: Slice2D[f16], b: Slice2D[f16], c: DisjointSlice2D[f16]):
    """`c = a @ b.T`; rows that `a` lacks are zeros."""
    rows = SharedArray(f16, (32, 24))
    weights = SharedArray(f16, (16, 24))
    first = block.x * 32
    r, col = thread.x // 16, thread.x % 16
    for j in range(8):
        row = 4 * j + r
        rows[row, col] = a[first + row, col] if first + row < a.shape[0] else 0.0
    for j in range(4):
        weights[4 * j + r, col] = b[4 * j + r, col]
    sync_threads()
    left = mma.FragmentA(f16, 16)
    right = mma.FragmentB(f16, 16)
    total = mma.Accumulator(16, 16)
    mma.load(left, rows, 16 * warp.index, 0)
    mma.load(right, weights, 0, 0, transposed=True)
    mma.multiply_add(total, left, right)
    sync_threads()
    mma.store(rows, 16 * warp.index, 0, total)
    sync_threads()
    for j in range(8):
        row = 4 * j + r
        if first + row < c.shape[0]:
            c[first + row, col] = rows[row, col]
