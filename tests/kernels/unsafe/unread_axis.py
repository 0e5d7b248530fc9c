"""The index is one-dimensional, the kernel is not: threads that differ in y write one element."""
# launch: grid=1, block=(8, 2), out=10

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def fill(out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = f32(thread.y)  # error: [OX102]
