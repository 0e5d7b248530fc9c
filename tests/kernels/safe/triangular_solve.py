"""Forward substitution in shared memory: one thread solves, those below subtract."""
# launch: grid=1, block=8, l=(8, 8), b=8, x=8
# launch: grid=2, block=8, l=(9, 8), b=8, x=8

from oxide import (
    DisjointSlice,
    SharedArray,
    Slice,
    Slice2D,
    block,
    f32,
    kernel,
    sync_threads,
    thread,
)

N = 8


@kernel(
    block=N,
    domain=1,
    requires=lambda l, b, x: l.shape[0] >= N and l.shape[1] >= N and len(b) >= N and len(x) >= N,
)
def solve(l: Slice2D[f32], b: Slice[f32], x: DisjointSlice[f32]):  # hint: [OX605]
    if block.x > 0:
        return
    rhs = SharedArray(f32, N)
    sol = SharedArray(f32, N)
    t = thread.x
    rhs[t] = b[t]
    sync_threads()
    for j in range(N):
        if t == j:
            sol[j] = rhs[j] / l[j, j]
        sync_threads()
        if t > j:
            rhs[t] -= l[t, j] * sol[j]
        sync_threads()
    x[t] = sol[t]
