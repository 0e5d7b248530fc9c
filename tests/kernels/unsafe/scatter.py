"""A scatter: nothing says that the targets differ."""
# launch: grid=1, block=16, a=3, target=[2, 1, 2], out=10

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def scatter(a: Slice[f32], target: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        j = target[i]
        if 0 <= j < len(out):
            out[j] = a[i]  # error: [OX102]
