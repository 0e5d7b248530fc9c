"""A scan that starts anew at every head of a segment."""
# launch: grid=2, block=16, a=20, flag=20, out=20
# launch: grid=1, block=16, a=3, flag=[1, 0, 1], out=3

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread

N = 16


@kernel(block=N, domain=1, requires=lambda a, flag, out: len(flag) == len(a) and len(out) == len(a))
def segmented_scan(a: Slice[f32], flag: Slice[i32], out: DisjointSlice[f32]):
    value = SharedArray(f32, N)
    head = SharedArray(i32, N)
    t, i = thread.x, thread.index_1d()
    value[t] = a[i] if i < len(a) else 0.0
    head[t] = flag[i] if i < len(a) else 1
    sync_threads()
    d = 1
    while d < N:
        v = value[t]
        h = head[t]
        if t >= d and h == 0:
            v += value[t - d]
        if t >= d:
            h |= head[t - d]
        sync_threads()
        value[t] = v
        head[t] = h
        sync_threads()
        d *= 2
    if i < len(out):
        out[i] = value[t]
