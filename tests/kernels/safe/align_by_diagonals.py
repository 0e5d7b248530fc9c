"""The longest common part of two lists, diagonal by diagonal."""
# launch: grid=1, block=8, a=[1, 2, 3], b=[2, 3, 4, 2], score=(4, 5)
# launch: grid=2, block=8, a=[5], b=[5], score=(2, 2)

from oxide import DisjointSlice2D, Slice, block, i32, kernel, sync_threads, thread

N = 8


@kernel(
    block=N,
    domain=1,
    requires=lambda a, b, score: (
        len(a) <= N and score.shape[0] == len(a) + 1 and score.shape[1] == len(b) + 1
    ),
)
def align(a: Slice[i32], b: Slice[i32], score: DisjointSlice2D[i32]):  # hint: [OX605]
    if block.x > 0:
        return
    t = thread.x
    m, n = len(a), len(b)
    if t < m:
        score[t + 1, 0] = 0
    for j in range(t, n + 1, N):
        score[0, j] = 0
    sync_threads()
    for d in range(m + n - 1):
        j = d - t
        if t < m and 0 <= j < n:
            best = score[t, j]
            if a[t] == b[j]:
                best += 1
            best = max(best, max(score[t, j + 1], score[t + 1, j]))
            score[t + 1, j + 1] = best
        sync_threads()
