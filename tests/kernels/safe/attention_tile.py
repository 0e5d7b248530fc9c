"""Attention of a tile of queries: keys and values by tiles, a running maximum and sum."""
# launch: grid=1, block=8, q=(5, 4), k=(10, 4), v=(10, 4), o=(5, 4), scale=0.5
# launch: grid=2, block=8, q=(9, 4), k=(3, 4), v=(3, 4), o=(9, 4), scale=0.5

import math

from oxide import (
    DisjointSlice2D,
    LocalArray,
    SharedArray,
    Slice2D,
    block,
    f32,
    kernel,
    sync_threads,
    thread,
)

BM = 8
BN = 8
D = 4


@kernel(
    block=BM,
    domain=1,
    requires=lambda q, k, v, o: (
        q.shape[1] == D
        and k.shape[1] == D
        and v.shape[1] == D
        and o.shape[1] == D
        and v.shape[0] == k.shape[0]
        and o.shape[0] == q.shape[0]
    ),
)
def attention(  # hint: [OX605]
    q: Slice2D[f32], k: Slice2D[f32], v: Slice2D[f32], o: DisjointSlice2D[f32], scale: f32
):
    ks = SharedArray(f32, (BN, D))
    vs = SharedArray(f32, (BN, D))
    acc = LocalArray(f32, D)
    p = LocalArray(f32, BN)
    t = thread.x
    row = block.x * BM + t
    for d in range(D):
        acc[d] = 0.0
    m = -1.0e30
    l = 0.0
    for start in range(0, k.shape[0], BN):
        for e in range(t, BN * D, BM):
            r = e // D
            c = e % D
            if start + r < k.shape[0]:
                ks[r, c] = k[start + r, c]
                vs[r, c] = v[start + r, c]
            else:
                ks[r, c] = 0.0
                vs[r, c] = 0.0
        sync_threads()
        if row < q.shape[0]:
            top = m
            for j in range(BN):
                s = 0.0
                for d in range(D):
                    s += q[row, d] * ks[j, d]
                p[j] = s * scale
                top = max(top, p[j])
            fix = math.exp(m - top)
            l *= fix
            for d in range(D):
                acc[d] *= fix
            for j in range(BN):
                w = math.exp(p[j] - top)
                l += w
                for d in range(D):
                    acc[d] += w * vs[j, d]
            m = top
        sync_threads()
    if row < q.shape[0]:
        for d in range(D):
            o[row, d] = acc[d] / l
