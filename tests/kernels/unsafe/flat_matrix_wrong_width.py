"""A matrix in a flat slice that multiplies by the height: rows overlap unless it is square."""
# launch: grid=(1, 1), block=(8, 4), out=40, height=3, width=8

from oxide import DisjointSlice, f32, i32, kernel, thread


@kernel(domain=2, requires=lambda height, width: height >= 0 and width >= 0)
def columns(out: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if row < height and col < width and row * height + col < len(out):
        out[row * height + col] = f32(col)  # error: [OX102]
