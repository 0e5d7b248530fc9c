"""Sweeps of a smoother between two halves of shared memory, which `side ^= 1` exchanges."""
# launch: grid=2, block=32, a=50, out=64, sweeps=3
# launch: grid=1, block=32, a=32, out=20, sweeps=0

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda sweeps: sweeps >= 0)
def smooth(a: Slice[f32], out: DisjointSlice[f32], sweeps: i32):
    tile = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    tile[0, t] = a[i] if i < len(a) else 0.0
    sync_threads()

    side = 0
    for _ in range(sweeps):
        left = tile[side, max(t - 1, 0)]
        right = tile[side, min(t + 1, BLOCK - 1)]
        tile[side ^ 1, t] = 0.25 * left + 0.5 * tile[side, t] + 0.25 * right
        sync_threads()
        side ^= 1

    if i < len(out):
        out[i] = tile[side, t]
