"""The last segment may be cut short."""
# launch: grid=1, block=4, out=60

from oxide import DisjointSlice, device, f32, kernel, thread

SEGMENT = 16


@device
def fill_with_powers(part: DisjointSlice[f32], x: f32) -> None:
    power = 1.0
    for k in range(len(part)):
        part[k] = power  # also: [OX301]
        power *= x


@kernel
def powers(out: DisjointSlice[f32]):
    first = thread.index_1d() * SEGMENT
    if first < len(out):
        fill_with_powers(out[first : first + SEGMENT], 0.5)  # error: [OX301]
