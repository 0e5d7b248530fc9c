"""B05: two reductions in one scratch array, with nothing between."""

from oxide import DisjointSlice, SharedArray, Slice, block, device, f32, grid_dim, kernel
from oxide import sync_threads, thread, warp

BLOCK = 128


@device
def block_reduce(scratch: SharedArray[f32], v: f32) -> f32:
    total = warp.reduce_add(v)
    if warp.lane == 0:
        scratch[thread.x // 32] = total  # error: [OX104]
    sync_threads()
    total = 0.0
    for w in range(BLOCK // 32):
        total += scratch[w]
    return total


@kernel(block=BLOCK, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def twice(a: Slice[f32], b: Slice[f32], out: DisjointSlice[f32]):
    scratch = SharedArray(f32, BLOCK // 32)
    i = thread.index_1d()
    first = block_reduce(scratch, a[i] if i < len(a) else 0.0)
    second = block_reduce(scratch, b[i] if i < len(b) else 0.0)
    if thread.x == 0:
        out[block.x] = first + second


@kernel(block=BLOCK, domain=1, requires=lambda out: len(out) >= grid_dim.x)
def with_a_barrier_between(a: Slice[f32], b: Slice[f32], out: DisjointSlice[f32]):
    scratch = SharedArray(f32, BLOCK // 32)
    i = thread.index_1d()
    first = block_reduce(scratch, a[i] if i < len(a) else 0.0)
    sync_threads()
    second = block_reduce(scratch, b[i] if i < len(b) else 0.0)
    if thread.x == 0:
        out[block.x] = first + second
