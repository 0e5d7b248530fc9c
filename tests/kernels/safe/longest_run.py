"""Where the longest run of equal numbers in each row begins, and which of them its thread keeps."""
# launch: grid=2, block=4, a=(8, 6), kept=(8, 6), begins=8
# launch: grid=1, block=8, a=(5, 3), kept=(5, 3), begins=5

from oxide import DisjointSlice, DisjointSlice2D, Slice2D, i32, kernel, thread


@kernel(
    requires=lambda a, kept, begins: (
        kept.shape[0] == a.shape[0]
        and kept.shape[1] == a.shape[1]
        and len(begins) == a.shape[0]
        and a.shape[1] >= 1
    )
)
def longest_run(a: Slice2D[i32], kept: DisjointSlice2D[i32], begins: DisjointSlice[i32]):
    row = thread.index_1d()
    if row >= a.shape[0]:
        return
    n = a.shape[1]
    start = best = longest = count = 0
    i = 0
    while i < n:
        if i > 0 and a[row, i] != a[row, i - 1]:  # hint: [OX601]
            start = i
            kept[row, count] = a[row, i]
            count += 1
        if i - start > longest:
            best, longest = start, i - start
        i += 1
    begins[row] = i32(best)
    kept[row, best] = a[row, best]
