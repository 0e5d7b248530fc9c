"""A triangular system solved by one block: in round j all rows below j take off what x[j] adds."""
# launch: grid=1, block=8, m=(6, 6), x=6
# launch: grid=1, block=16, m=(3, 3), x=9

from oxide import DisjointSlice, SharedArray, Slice2D, block, block_dim, f32, kernel, sync_threads, thread


@kernel(max_threads=64, requires=lambda m, x: m.shape[1] == m.shape[0] and len(x) >= m.shape[0])
def solve(m: Slice2D[f32], x: DisjointSlice[f32]):
    if block.x > 0:
        return
    pivot = SharedArray(f32, 1)
    size = m.shape[0]
    for j in range(size):
        if thread.x == 0:
            pivot[0] = x[j] / m[j, j]
            x[j] = pivot[0]
        sync_threads()
        for row in range(j + 1 + thread.x, size, block_dim.x):
            x[row] -= m[row, j] * pivot[0]  # hint: [OX601]
        sync_threads()
