"""R14: a swizzle of a tile's columns must be a permutation of them."""

from oxide import DisjointSlice2D, SharedArray, Slice2D, f32, kernel, sync_threads, thread

N = 32


@kernel(block=(N, N), requires=lambda a, out: a.shape[0] >= N and a.shape[1] >= N)
def folded(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (N, N))
    x, y = thread.x, thread.y
    tile[y, x & 30] = a[y, x]  # error: [OX104]
    sync_threads()
    row, col = thread.index_2d()
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = tile[x, y & 30]


@kernel(block=(N, N), requires=lambda a, out: a.shape[0] >= N and a.shape[1] >= N)
def swizzled(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, (N, N))
    x, y = thread.x, thread.y
    tile[y, x ^ y] = a[y, x]
    sync_threads()
    row, col = thread.index_2d()
    if row < out.shape[0] and col < out.shape[1]:
        out[row, col] = tile[x, y ^ x]
