"""Every thread that finds something raises the same flag: the same value, and a race all the same."""
# launch: grid=1, block=16, a=[9, 9, 9], flag=1, limit=5

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(requires=lambda flag: len(flag) >= 1)
def any_above(a: Slice[i32], flag: DisjointSlice[i32], limit: i32):
    i = thread.index_1d()
    if i < len(a) and a[i] > limit:
        flag[0] = 1  # warning: [OX109]
