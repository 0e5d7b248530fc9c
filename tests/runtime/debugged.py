"""A kernel that stops; tests name its lines by their words."""

from oxide import (
    DisjointSlice,
    LocalArray,
    SharedArray,
    Slice,
    device,
    f32,
    grid_dim,
    i32,
    kernel,
    sync_threads,
    thread,
)


@device
def twice(x: f32) -> f32:
    y = x + x
    return y  # noqa: RET504


@kernel(
    block=8,
    requires=lambda a, out: len(a) >= 8 * grid_dim.x and len(out) >= 8 * grid_dim.x,
)
def stops(n: i32, a: Slice[f32], out: DisjointSlice[f32]) -> None:
    tile = SharedArray(f32, 8)
    mine = LocalArray(i32, (2, 2))
    t = thread.x
    mine[1, 0] = i32(t)
    tile[t] = a[thread.index_1d()]
    if t % 4 == 3:
        breakpoint()
    sync_threads()
    v = twice(tile[7 - t])
    out[thread.index_1d()] = v
