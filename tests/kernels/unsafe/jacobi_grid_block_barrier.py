"""A barrier of the block does not wait for the neighbours in other blocks."""
# launch: grid=(2, 2), block=(4, 4), a=(8, 8), b=(8, 8), sweeps=2

from oxide import DisjointSlice2D, f32, i32, kernel, sync_threads, thread


@kernel(
    cooperative=True,
    requires=lambda a, b: a.shape[0] == b.shape[0] and a.shape[1] == b.shape[1],
)
def jacobi(a: DisjointSlice2D[f32], b: DisjointSlice2D[f32], sweeps: i32):
    row, col = thread.index_2d()
    inside = 0 < row < a.shape[0] - 1 and 0 < col < a.shape[1] - 1
    for _ in range(sweeps):
        if inside:
            b[row, col] = 0.25 * (  # error: [OX105]
                a[row - 1, col] + a[row + 1, col] + a[row, col - 1] + a[row, col + 1]
            )
        sync_threads()
        if inside:
            a[row, col] = 0.25 * (  # error: [OX105]
                b[row - 1, col] + b[row + 1, col] + b[row, col - 1] + b[row, col + 1]
            )
        sync_threads()
