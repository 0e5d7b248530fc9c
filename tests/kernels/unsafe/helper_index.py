"""A helper that gives two threads the same index: the race is in the kernel that calls it."""
# launch: grid=1, block=16, a=60, out=60

from oxide import DisjointSlice, Slice, device, f32, kernel, thread


@device
def half(i: int) -> int:
    if i < 0:
        return 0
    return i // 2


@kernel
def pick(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(a) and half(i) < len(out):
        out[half(i)] = a[i]  # error: [OX102]
