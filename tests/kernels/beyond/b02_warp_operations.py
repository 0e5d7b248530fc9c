"""B02: warp operations that not all lanes of their mask reach, and lanes that do not exist."""

from oxide import DisjointSlice, Slice, f32, grid_dim, kernel, thread, warp

BLOCK = 64


@kernel(block=BLOCK)
def under_divergence(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and i < len(out):
        out[i] = warp.reduce_add(a[i])  # error: [OX203]


@kernel(block=BLOCK)
def caller_outside_of_its_mask(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    v = warp.reduce_add(v, mask=0x0000FFFF)  # error: [OX203]
    if i < len(out):
        out[i] = v


@kernel(block=48)
def lanes_that_the_last_warp_lacks(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    v = a[i] if i < len(a) else 0.0
    w = warp.shuffle_down(v, 16)
    if i < len(out):
        out[i] = w  # error: [OX303]


@kernel(block=(8, 8), requires=lambda out: len(out) >= 2 * grid_dim.x)
def warps_counted_along_x_alone(out: DisjointSlice[f32]):
    v = warp.reduce_add(1.0)
    if warp.lane == 0:
        out[thread.x // 32] = v * thread.y  # error: [OX102]


@kernel(block=BLOCK)
def all_lanes(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    v = warp.reduce_add(a[i] if i < len(a) else 0.0)
    if i < len(out):
        out[i] = v
