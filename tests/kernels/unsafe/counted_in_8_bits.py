"""Counts its threads in bytes, of which a block of 512 has too few."""
# launch: grid=1, block=512, out=256

from oxide import DisjointSlice, block, i32, kernel, thread, u8


@kernel(block=512, domain=1, requires=lambda out: len(out) >= 256)
def counted(out: DisjointSlice[i32]):
    if block.x == 0:
        out[u8(thread.x)] = i32(thread.x)  # error: [OX102]
