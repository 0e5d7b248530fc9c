"""One thread of a block writes the block's element; blocks without one are guarded."""
# launch: grid=3, block=16, out=2
# launch: grid=1, block=4, out=1

from oxide import DisjointSlice, block, f32, kernel, thread


@kernel
def number(out: DisjointSlice[f32]):
    if thread.x == 0 and block.x < len(out):
        out[block.x] = f32(block.x)
