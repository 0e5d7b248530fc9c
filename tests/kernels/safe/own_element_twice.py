"""A thread may read back what it wrote itself: program order is an order."""
# launch: grid=2, block=16, a=30
# launch: grid=1, block=4, a=2

from oxide import DisjointSlice, f32, kernel, thread


@kernel
def twice(a: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        a[i] = a[i] + 1.0
        a[i] = a[i] * a[i]
