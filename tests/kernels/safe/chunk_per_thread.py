"""`chunk` neighbouring elements per thread, where only the launch knows how many."""
# launch: grid=2, block=8, a=60, out=60, chunk=3
# launch: grid=1, block=4, a=7, out=7, chunk=2

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def copy(a: Slice[f32], out: DisjointSlice[f32], chunk: i32):
    for c in range(chunk):
        i = thread.index_1d() * chunk + c
        if i < len(out):
            out[i] = a[i]  # hint: [OX601] # hint: [OX601]
