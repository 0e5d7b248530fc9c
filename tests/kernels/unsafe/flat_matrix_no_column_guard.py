"""A matrix in a flat slice without the guard of the column: a row runs into the next."""
# launch: grid=(1, 1), block=(8, 4), out=40, height=4, width=5

from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel(domain=2, requires=lambda height, width: height >= 0 and width >= 0)
def columns(out: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if row < height and row * width + col < len(out):
        out[row * width + col] = f32(col)  # error: [OX102]
