"""A scatter that adds with atomics: two threads may hit one element."""
# launch: grid=2, block=16, a=7, target=[3, 1, -1, 9, 10, 3, 0], out=10
# launch: grid=1, block=4, a=3, target=[0, 1, 1], out=2

from oxide import AtomicSlice, Slice, atomic, f32, i32, kernel, thread


@kernel
def scatter(a: Slice[f32], target: Slice[i32], out: AtomicSlice[f32]):
    i = thread.index_1d()
    if i < len(a):
        j = target[i]
        if 0 <= j < len(out):
            atomic.add(out, j, a[i])
