"""Kernels whose code is compiled more than once."""

from oxide import DisjointSlice, f32, kernel, thread


def scaling(factor: int):
    """A new kernel with a constant of its own."""

    @kernel
    def scale(a: DisjointSlice[f32]):
        i = thread.index_1d()
        if i < len(a):
            a[i] = a[i] * factor

    return scale


@kernel
def racing(a: DisjointSlice[f32]):
    a[0] = a[thread.x % len(a)]
