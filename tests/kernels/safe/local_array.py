"""An array of the thread's own: filled, then read, in loops over constants."""
# launch: grid=1, block=8, a=20, out=5
# launch: grid=2, block=4, a=8, out=2

from oxide import DisjointSlice, LocalArray, Slice, f32, kernel, thread

TAPS = 4


@kernel(requires=lambda a, out: len(a) >= TAPS * len(out))
def smallest_first(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i >= len(out):
        return
    window = LocalArray(f32, TAPS)
    for k in range(TAPS):
        window[k] = a[TAPS * i + k]
    for k in range(TAPS - 1):
        if window[k + 1] < window[k]:
            window[k], window[k + 1] = window[k + 1], window[k]
    out[i] = window[TAPS - 1]
