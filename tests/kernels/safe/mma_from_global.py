"""A warp for each 16 × 16 of the product, straight from global memory."""
# launch: grid=(2, 1), block=32, a=(16, 32), b=(32, 32), c=(16, 32)
# launch: grid=(2, 2), block=32, a=(16, 16), b=(16, 16), c=(16, 16)

from oxide import DisjointSlice2D, Slice2D, bf16, block, f32, kernel, mma


@kernel(
    block=32,
    requires=lambda a, b, c: (
        a.shape[0] == c.shape[0]
        and b.shape[1] == c.shape[1]
        and a.shape[1] == b.shape[0]
        and a.shape[0] % 16 == 0
        and a.shape[1] % 16 == 0
        and b.shape[1] % 16 == 0
    ),
)
def product(a: Slice2D[bf16], b: Slice2D[bf16], c: DisjointSlice2D[f32]):
    row, col = block.y * 16, block.x * 16
    if row < c.shape[0] and col < c.shape[1]:
        left = mma.FragmentA(bf16, 16)
        right = mma.FragmentB(bf16, 16)
        total = mma.Accumulator(16, 16)
        for k in range(0, a.shape[1], 16):
            mma.load(left, a, row, k)
            mma.load(right, b, k, col)
            mma.multiply_add(total, left, right)
        mma.store(c, row, col, total)
