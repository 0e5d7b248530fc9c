"""A sum of the block under the guard of the data: some threads never bring their value."""
# launch: grid=1, block=32, a=20, out=20

from oxide import DisjointSlice, Slice, block, f32, kernel, thread


@kernel(domain=1, requires=lambda a, out: len(a) == len(out))
def shares(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        total = block.reduce_add(a[i])  # error: [OX201] "waits at `block.reduce_add`"
        out[i] = a[i] / total
