"""One half-sweep of red-black Gauss-Seidel: the cells of one colour read only those of the other."""
# launch: grid=(1, 1), block=(8, 4), u=(6, 9), colour=0
# launch: grid=(1, 2), block=(4, 4), u=(9, 6), colour=1

from oxide import DisjointSlice2D, f32, i32, kernel, thread


@kernel(requires=lambda colour: colour >= 0 and colour <= 1)
def half_sweep(u: DisjointSlice2D[f32], colour: i32):
    row, half = thread.index_2d()
    col = 2 * half + (row + colour) % 2
    height, width = u.shape
    if 1 <= row and row < height - 1 and 1 <= col and col < width - 1:
        total = u[row - 1, col] + u[row + 1, col] + u[row, col - 1] + u[row, col + 1]
        u[row, col] = 0.25 * total
