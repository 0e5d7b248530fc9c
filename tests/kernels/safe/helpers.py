"""Helpers with early returns, calls of each other and a pair as their result."""
# launch: grid=2, block=16, a=30, low=30, high=30
# launch: grid=1, block=4, a=4, low=4, high=4

from oxide import DisjointSlice, Slice, device, f32, kernel, thread


@device
def clamp(x: f32, lowest: f32, highest: f32) -> f32:
    if x < lowest:
        return lowest
    if x > highest:
        return highest
    return x


@device
def ordered(x: f32, y: f32) -> tuple[f32, f32]:
    return min(x, y), max(x, y)


@device
def neighbour(i: int, n: int) -> int:
    return i + 1 if i + 1 < n else 0


@kernel(requires=lambda a, low, high: len(low) == len(a) and len(high) == len(a))
def bounds(a: Slice[f32], low: DisjointSlice[f32], high: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        x = clamp(a[i], -1.0, 1.0)
        y = clamp(a[neighbour(i, len(a))], -1.0, 1.0)
        low[i], high[i] = ordered(x, y)
