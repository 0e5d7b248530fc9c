"""Half of the warp comes to the product."""
# launch: grid=1, block=32, a=(16, 16), b=(16, 8), c=(16, 8)

from oxide import DisjointSlice2D, Slice2D, bf16, f32, kernel, mma, thread


@kernel(
    block=32,
    requires=lambda a, b, c: (
        a.shape[0] == 16
        and a.shape[1] == 16
        and b.shape[0] == 16
        and b.shape[1] == 8
        and c.shape[0] == 16
        and c.shape[1] == 8
    ),
)
def product(a: Slice2D[bf16], b: Slice2D[bf16], c: DisjointSlice2D[f32]):
    left = mma.FragmentA(bf16, 16)
    right = mma.FragmentB(bf16, 8)
    total = mma.Accumulator(16, 8)
    if thread.x < 16:
        mma.load(left, a, 0, 0)  # error: [OX203]
        mma.load(right, b, 0, 0)
        mma.multiply_add(total, left, right)
        mma.store(c, 0, 0, total)
