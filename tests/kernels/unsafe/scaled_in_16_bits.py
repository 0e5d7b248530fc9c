"""Scales an index in 16 bits, where every 256th thread comes round to the same number."""
# launch: grid=1, block=512, out=65536

from oxide import DisjointSlice, i16, i32, kernel, thread


@kernel(block=512, domain=1)
def scaled(out: DisjointSlice[i32]):
    t = thread.x
    j = i16(t) * i16(256)
    if 0 <= j < len(out):
        out[j] = i32(t)  # error: [OX102]
