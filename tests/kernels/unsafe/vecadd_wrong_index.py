"""vecadd that writes to the thread's index in its block: block 1 writes where block 0 writes."""
# launch: grid=2, block=64, a=128, b=128, c=128

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c):
        c[thread.x] = a[i] + b[i]  # error: [OX105]
