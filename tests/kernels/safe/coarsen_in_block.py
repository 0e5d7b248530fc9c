"""Each block owns 1024 neighbouring elements; its threads walk over them a block apart."""
# launch: grid=1, block=256, a=1000, out=1000
# launch: grid=2, block=256, a=1100, out=1100

from oxide import DisjointSlice, Slice, block, f32, kernel, thread

BLOCK = 256
PER_BLOCK = 1024


@kernel(block=BLOCK)
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    base = block.x * PER_BLOCK
    for j in range(thread.x, PER_BLOCK, BLOCK):
        if base + j < len(out):
            out[base + j] = a[base + j]
