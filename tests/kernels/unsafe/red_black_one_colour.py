"""Without the row in the parity the cells above and below have the same colour."""
# launch: grid=(1, 1), block=(8, 8), u=(6, 9), colour=0

from oxide import DisjointSlice2D, f32, i32, kernel, thread


@kernel(requires=lambda colour: colour >= 0 and colour <= 1)
def half_sweep(u: DisjointSlice2D[f32], colour: i32):
    row, half = thread.index_2d()
    col = 2 * half + colour
    height, width = u.shape
    if 1 <= row and row < height - 1 and 1 <= col and col < width - 1:
        total = u[row - 1, col] + u[row + 1, col] + u[row, col - 1] + u[row, col + 1]  # also: [OX103]
        u[row, col] = 0.25 * total  # error: [OX103]
