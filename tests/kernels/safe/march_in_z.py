"""A stencil that marches through planes; each has a halo in shared memory."""
# launch: grid=(2, 2), block=(4, 4), u=(3, 6, 5), v=(3, 6, 5)
# launch: grid=(1, 1), block=(4, 4), u=(1, 4, 4), v=(1, 4, 4)

from oxide import DisjointSlice3D, SharedArray, Slice3D, f32, kernel, sync_threads, thread

BX = 4
BY = 4


@kernel(
    block=(BX, BY),
    domain=2,
    requires=lambda u, v: (
        u.shape[0] == v.shape[0] and u.shape[1] == v.shape[1] and u.shape[2] == v.shape[2]
    ),
)
def march(u: Slice3D[f32], v: DisjointSlice3D[f32]):
    s = SharedArray(f32, (BY + 2, BX + 2))
    j, i = thread.index_2d()
    ty, tx = thread.y + 1, thread.x + 1
    nz, ny, nx = u.shape
    inside = j < ny and i < nx
    below = 0.0
    here = u[0, j, i] if inside and nz > 0 else 0.0
    for k in range(nz):
        above = u[k + 1, j, i] if inside and k + 1 < nz else 0.0
        sync_threads()
        s[ty, tx] = here
        if thread.y == 0:
            s[0, tx] = u[k, j - 1, i] if inside and j > 0 else 0.0
        if thread.y == BY - 1:
            s[BY + 1, tx] = u[k, j + 1, i] if i < nx and j + 1 < ny else 0.0
        if thread.x == 0:
            s[ty, 0] = u[k, j, i - 1] if inside and i > 0 else 0.0
        if thread.x == BX - 1:
            s[ty, BX + 1] = u[k, j, i + 1] if j < ny and i + 1 < nx else 0.0
        sync_threads()
        if inside:
            v[k, j, i] = (
                s[ty, tx - 1]
                + s[ty, tx + 1]
                + s[ty - 1, tx]
                + s[ty + 1, tx]
                + below
                + above
                - 6.0 * here
            )
        below = here
        here = above
