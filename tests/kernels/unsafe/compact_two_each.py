"""Keeps two words of each number that is not zero in a row that has room for one."""
# launch: grid=1, block=1, a=(1, 12), kept=(1, 12)

from oxide import DisjointSlice2D, Slice2D, i32, kernel, thread


@kernel(requires=lambda a, kept: kept.shape[0] == a.shape[0] and kept.shape[1] == a.shape[1])
def compact(a: Slice2D[i32], kept: DisjointSlice2D[i32]):
    row = thread.index_1d()
    if row >= a.shape[0]:
        return
    count = 0
    for i in range(a.shape[1]):
        if a[row, i] != 0:
            kept[row, count] = a[row, i]  # error: [OX301]
            count += 2
