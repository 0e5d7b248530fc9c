"""One step of k-means: the nearest centre of each point, and the sums of each centre's points."""
# launch: grid=2, block=8, x=12, y=12, cx=8, cy=8, nearest=12, sx=8, sy=8, count=8
# launch: grid=1, block=4, x=3, y=3, cx=8, cy=8, nearest=3, sx=8, sy=8, count=8

from oxide import AtomicSlice, DisjointSlice, Slice, atomic, f32, i32, kernel, thread, u32

CENTRES = 8


@kernel(
    requires=lambda x, y, cx, cy, nearest, sx, sy, count: (
        len(x) == len(y)
        and len(nearest) == len(x)
        and len(cx) == CENTRES
        and len(cy) == CENTRES
        and len(sx) == CENTRES
        and len(sy) == CENTRES
        and len(count) == CENTRES
    ),
)
def assign(
    x: Slice[f32],
    y: Slice[f32],
    cx: Slice[f32],
    cy: Slice[f32],
    nearest: DisjointSlice[i32],
    sx: AtomicSlice[f32],
    sy: AtomicSlice[f32],
    count: AtomicSlice[u32],
):
    i = thread.index_1d()
    if i >= len(x):
        return
    best, least = 0, 1e30
    for c in range(CENTRES):
        dx, dy = x[i] - cx[c], y[i] - cy[c]
        far = dx * dx + dy * dy
        if far < least:
            best, least = c, far
    nearest[i] = i32(best)
    atomic.add(sx, best, x[i])
    atomic.add(sy, best, y[i])
    atomic.add(count, best, 1)
