"""Integers of several widths: shifts, masks, conversions and a floor division by data."""
# launch: grid=1, block=8, a=[1, 5, 0, 7], b=[2, 0, 3, 4], out=4
# launch: grid=2, block=4, a=[9], b=[0], out=1

from oxide import DisjointSlice, Slice, i64, kernel, thread, u32


@kernel(requires=lambda a, b, out: len(a) == len(out) and len(b) == len(out))
def mix(a: Slice[u32], b: Slice[u32], out: DisjointSlice[i64]):
    i = thread.index_1d()
    if i < len(out):
        gray = a[i] ^ (a[i] >> 1)
        spread = (gray & 15) << 4 | ~b[i] & 15
        quotient = spread // b[i] if b[i] != 0 else u32(0)
        out[i] = i64(quotient) - i
