"""Both sides of a round have the same parity: neighbours overwrite what is still read."""
# launch: grid=1, block=32, a=32, out=32, rounds=2

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK, requires=lambda rounds: rounds >= 0)
def rotate(a: Slice[f32], out: DisjointSlice[f32], rounds: i32):
    ring = SharedArray(f32, (2, BLOCK))
    t, i = thread.x, thread.index_1d()
    ring[0, t] = a[i] if i < len(a) else 0.0
    ring[1, t] = 0.0
    sync_threads()
    for k in range(rounds):
        ring[k % 2, t] = ring[k % 2, (t + 1) % BLOCK]  # error: [OX104]
        sync_threads()
    if i < len(out):
        out[i] = ring[rounds % 2, t]
