"""A histogram of the block whose last bins are not cleared."""
# launch: grid=1, block=20, data=[0, 5], hist=64

from oxide import (
    AtomicSlice,
    SharedArray,
    Slice,
    atomic,
    block_dim,
    grid_dim,
    i32,
    kernel,
    sync_threads,
    thread,
    u32,
)

BINS = 64


@kernel(domain=1, requires=lambda hist: len(hist) >= BINS)
def histogram(data: Slice[i32], hist: AtomicSlice[u32]):
    local = SharedArray(u32, BINS)
    t = thread.x
    b = t
    while b < BINS - 1:
        local[b] = 0
        b += block_dim.x
    sync_threads()
    i = thread.index_1d()
    stride = block_dim.x * grid_dim.x
    while i < len(data):
        v = data[i]
        if 0 <= v < BINS:
            atomic.add(local, v, 1, scope="block")
        i += stride
    sync_threads()
    b = t
    while b < BINS:
        c = atomic.load(local, b, scope="block")  # error: [OX303]
        if c > 0:
            atomic.add(hist, b, c)
        b += block_dim.x
