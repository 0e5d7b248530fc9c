"""A loop with barriers that all threads leave in the same round: what decides lies in one place."""
# launch: grid=1, block=32, a=[9, 8, 7, 6, 5, 4, 3, 2, 1], out=1, limit=20
# launch: grid=2, block=32, a=64, out=2, limit=1000000

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
        sync_threads()
        if t == 0:
            total[0] += a[r]
        sync_threads()
        done = r + 1
    if t == 0:
        out[block.x] = done
