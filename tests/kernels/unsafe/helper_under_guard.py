"""A helper with a barrier, called under the guard of the data."""
# launch: grid=1, block=32, a=20

from oxide import DisjointSlice, device, f32, kernel, sync_threads, thread


@device
def settle(x: f32) -> f32:
    sync_threads()  # error: [OX201]
    return x + 1.0


@kernel
def count(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = settle(a[i])
