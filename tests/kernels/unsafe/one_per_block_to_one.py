"""One thread of each block writes the same element: blocks race, threads of a block do not."""
# launch: grid=2, block=16, out=1

from oxide import DisjointSlice, block, f32, kernel, thread


@kernel(requires=lambda out: len(out) >= 1)
def last_block(out: DisjointSlice[f32]):
    if thread.x == 0:
        out[0] = f32(block.x)  # error: [OX105]
