"""The stencil through shared memory without its barrier: all three stores race with the loads."""
# launch: grid=1, block=32, a=50, out=50

from oxide import DisjointSlice, SharedArray, Slice, f32, kernel, thread

BLOCK = 32
RADIUS = 3


@kernel(block=BLOCK, requires=lambda a, out: len(a) == len(out))
def smooth(a: Slice[f32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, BLOCK + 2 * RADIUS)
    t, i = thread.x, thread.index_1d()
    middle = a[i] if i < len(a) else 0.0
    tile[t + RADIUS] = middle  # error: [OX104]
    if t < RADIUS:
        left, right = i - RADIUS, i + BLOCK
        tile[t] = a[left] if 0 <= left < len(a) else 0.0  # error: [OX104]
        tile[t + RADIUS + BLOCK] = a[right] if right < len(a) else 0.0  # error: [OX104]
    if i < len(out):
        total = 0.0
        for k in range(2 * RADIUS + 1):
            total += tile[t + k]  # also: [OX303]
        out[i] = total
