"""A flag in shared memory that is tested in the interval in which it is set."""
# launch: grid=1, block=32, a=[0, 0, 0, 0, 0, 7], out=32

from oxide import DisjointSlice, SharedArray, Slice, i32, kernel, sync_threads, thread

BLOCK = 32


@kernel(block=BLOCK)
def found(a: Slice[i32], out: DisjointSlice[i32]):
    flag = SharedArray(i32, 1)
    t, i = thread.x, thread.index_1d()
    if t == 0:
        flag[0] = 0
    sync_threads()
    if t == 5 and i < len(a):
        flag[0] = a[i]  # error: [OX104]
    if i < len(out):
        out[i] = flag[0]
