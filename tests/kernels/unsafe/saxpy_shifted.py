"""saxpy that writes one element further: thread 0 writes what thread 1 reads."""
# launch: grid=1, block=64, alpha=2.0, x=100, y=100

from oxide import DisjointSlice, Slice, f32, kernel, thread


@kernel
def saxpy(alpha: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i + 1 < len(y):
        y[i + 1] = alpha * x[i] + y[i]  # error: [OX103]
