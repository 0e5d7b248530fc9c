"""The rows begin at the pivot's own: one thread takes from it what all others still need."""
# launch: grid=1, block=8, m=(6, 6), x=6

from oxide import DisjointSlice, SharedArray, Slice2D, block, block_dim, f32, kernel, sync_threads, thread


@kernel(max_threads=64, requires=lambda m, x: m.shape[1] == m.shape[0] and len(x) >= m.shape[0])
def solve(m: Slice2D[f32], x: DisjointSlice[f32]):
    if block.x > 0:
        return
    pivot = SharedArray(f32, 1)
    size = m.shape[0]
    for j in range(size):
        if thread.x == 0:
            pivot[0] = x[j] / m[j, j]  # error: [OX104] # also: [OX103]
            x[j] = pivot[0]  # also: [OX103] # also: [OX102]
        sync_threads()
        for row in range(j + 1 + thread.x, size, block_dim.x):
            x[row] -= m[row, j] * pivot[0]  # also: [OX104] # also: [OX103]
