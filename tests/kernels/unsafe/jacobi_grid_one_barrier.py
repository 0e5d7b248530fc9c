"""The next sweep begins while neighbours are still at this one."""
# launch: grid=(2, 2), block=(4, 4), a=(8, 8), b=(8, 8), sweeps=2

from oxide import DisjointSlice2D, f32, grid_sync, i32, kernel, thread


@kernel(
    cooperative=True,
    requires=lambda a, b: a.shape[0] == b.shape[0] and a.shape[1] == b.shape[1],
)
def jacobi(a: DisjointSlice2D[f32], b: DisjointSlice2D[f32], sweeps: i32):
    row, col = thread.index_2d()
    inside = 0 < row < a.shape[0] - 1 and 0 < col < a.shape[1] - 1
    for _ in range(sweeps):
        if inside:
            # also: [OX103]
            b[row, col] = 0.25 * (
                a[row - 1, col] + a[row + 1, col] + a[row, col - 1] + a[row, col + 1]
            )
        grid_sync()
        if inside:
            a[row, col] = 0.25 * (  # error: [OX103]  # also: [OX103]
                b[row - 1, col] + b[row + 1, col] + b[row, col - 1] + b[row, col + 1]
            )
