"""Two sorted lists merged: each thread finds where its element comes from."""
# launch: grid=2, block=4, a=[1, 3, 5, 7], b=[2, 3, 9], out=7
# launch: grid=1, block=4, a=0, b=[1, 2], out=2

from oxide import DisjointSlice, Slice, i32, kernel, thread


@kernel(domain=1, requires=lambda a, b, out: len(out) == len(a) + len(b))
def merge(a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    lo, hi = max(0, i - len(b)), min(i, len(a))
    while lo < hi:
        mid = (lo + hi) // 2
        if a[mid] <= b[i - 1 - mid]:
            lo = mid + 1
        else:
            hi = mid
    j = i - lo
    if lo < len(a) and (j >= len(b) or a[lo] <= b[j]):
        out[i] = a[lo]
    else:
        out[i] = b[j]
