"""One element for 32 threads: the guard fixes the remainder, so the quotients differ."""
# launch: grid=2, block=64, out=4
# launch: grid=1, block=40, out=2

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def number(out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i % 32 == 0 and i // 32 < len(out):
        out[i // 32] = f32(i)
