"""The five-point stencil on flat slices: rows above and below are a width away."""
# launch: grid=(2, 2), block=(8, 4), a=70, out=70, height=7, width=10
# launch: grid=(1, 1), block=(4, 4), a=6, out=8, height=2, width=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(
    domain=2,
    requires=lambda a, out, height, width: (
        height >= 0 and width >= 0 and len(a) >= height * width and len(out) >= height * width
    ),
)
def stencil(a: Slice[f32], out: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if 0 < row < height - 1 and 0 < col < width - 1:
        i = row * width + col
        total = a[(row - 1) * width + col] + a[(row + 1) * width + col]
        out[i] = total + a[i - 1] + a[i + 1] - 4.0 * a[i]
