"""A copy by four elements at once, and the rest one by one."""
# launch: grid=1, block=8, a=30, out=30
# launch: grid=2, block=4, a=32, out=32

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel(requires=lambda a, out: len(a) == len(out))
def copy(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if 4 * i + 3 < len(out):
        x, y, z, w = a.load(4 * i, 4)
        out.store(4 * i, (x, y, z, w))
    elif 4 * i < len(out):
        for k in range(4 * i, len(out)):
            out[k] = a[k]
