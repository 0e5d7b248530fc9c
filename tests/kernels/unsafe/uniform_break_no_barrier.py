"""The loop that all leave together, without the barrier between test and next store."""
# launch: grid=1, block=32, a=[9, 8, 7, 6, 5, 4, 3, 2, 1], out=1, limit=20

from oxide import DisjointSlice, SharedArray, Slice, block, grid_dim, i32, i64, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda out: len(out) >= grid_dim.x)
def rounds(a: Slice[i32], out: DisjointSlice[i64], limit: i32):
    total = SharedArray(i32, 1)
    t = thread.x
    if t == 0:
        total[0] = 0
    sync_threads()
    done = 0
    for r in range(len(a)):
        if total[0] > limit:
            break
        if t == 0:
            total[0] += a[r]  # error: [OX104]
        sync_threads()  # also: [OX201]
        done = r + 1
    if t == 0:
        out[block.x] = done
