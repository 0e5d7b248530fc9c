"""A matrix in a flat slice: the guard of the column keeps rows apart."""
# launch: grid=(2, 2), block=(8, 4), a=70, out=70, height=7, width=10
# launch: grid=(1, 1), block=(4, 4), a=6, out=8, height=2, width=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, out, height, width: (
        height >= 0 and width >= 0 and len(a) >= height * width and len(out) >= height * width
    ),
)
def scale(a: Slice[f32], out: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if row < height and col < width:
        out[row * width + col] = 2.0 * a[row * width + col]
