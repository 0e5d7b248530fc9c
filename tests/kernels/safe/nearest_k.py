"""The nearest points, kept in order by insertion into a local array."""
# launch: grid=1, block=4, q=(3, 2), p=(7, 2), out=(3, 8)
# launch: grid=2, block=4, q=(5, 1), p=(1, 1), out=(5, 8)

from oxide import DisjointSlice2D, LocalArray, Slice2D, f32, i32, kernel, thread

K = 8


@kernel(
    domain=1,
    requires=lambda q, p, out: (
        q.shape[1] == p.shape[1] and out.shape[0] >= q.shape[0] and out.shape[1] >= K
    ),
)
def knn(q: Slice2D[f32], p: Slice2D[f32], out: DisjointSlice2D[i32]):
    i = thread.index_1d()
    if i >= q.shape[0]:
        return
    best = LocalArray(f32, K)
    which = LocalArray(i32, K)
    for k in range(K):
        best[k] = 1.0e30
        which[k] = -1
    for j in range(p.shape[0]):
        d = 0.0
        for c in range(q.shape[1]):
            e = q[i, c] - p[j, c]  # hint: [OX601]
            d += e * e
        if d < best[K - 1]:
            k = K - 1
            while k > 0 and best[k - 1] > d:
                best[k] = best[k - 1]
                which[k] = which[k - 1]
                k -= 1
            best[k] = d
            which[k] = i32(j)
    for k in range(K):
        out[i, k] = which[k]
