"""A product of a matrix and a vector whose rows are passed to a helper."""
# launch: grid=1, block=8, a=(6, 3), x=4, out=6
# launch: grid=2, block=4, a=(5, 4), x=2, out=5

from oxide import DisjointSlice, Slice, Slice2D, device, f32, kernel, thread


@device
def dot(x: Slice[f32], y: Slice[f32]) -> f32:
    total = 0.0
    for k in range(min(len(x), len(y))):
        total += x[k] * y[k]  # hint: [OX601]
    return total


@kernel(requires=lambda a, x, out: a.shape[0] == len(out))
def matrix_times_vector(a: Slice2D[f32], x: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = dot(a[i, :], x)
