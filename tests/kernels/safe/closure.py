"""A kernel made by a function: what it captures is a constant that only the launch knows."""
# launch: grid=2, block=16, a=30, out=30, factor=2.0, count=3
# launch: grid=1, block=4, a=3, out=3, factor=0.5, count=0

from oxide import DisjointSlice, Slice, f32, kernel, thread


def power(factor: f32, count: int):
    @kernel
    def scale(a: Slice[f32], out: DisjointSlice[f32]):
        i = thread.index_1d()
        if i < len(out):
            x = a[i]
            for _ in range(count):
                x *= factor
            out[i] = x

    return scale
