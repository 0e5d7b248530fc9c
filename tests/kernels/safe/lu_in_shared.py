"""A matrix taken apart into two triangles in shared memory."""
# launch: grid=1, block=(4, 4), a=(4, 4)
# launch: grid=(2, 1), block=(4, 4), a=(5, 6)

from oxide import DisjointSlice2D, SharedArray, block, f32, kernel, sync_threads, thread

N = 4


@kernel(block=(N, N), domain=2, requires=lambda a: a.shape[0] >= N and a.shape[1] >= N)
def lu(a: DisjointSlice2D[f32]):
    if block.x > 0 or block.y > 0:
        return
    m = SharedArray(f32, (N, N + 1))
    r, c = thread.y, thread.x
    m[r, c] = a[r, c]
    sync_threads()
    for k in range(N - 1):
        if r > k and c == k:
            m[r, k] = m[r, k] / m[k, k]
        sync_threads()
        if r > k and c > k:
            m[r, c] -= m[r, k] * m[k, c]
        sync_threads()
    a[r, c] = m[r, c]
