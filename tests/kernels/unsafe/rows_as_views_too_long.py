"""A helper that believes the longer of two lengths."""
# launch: grid=1, block=8, a=(6, 3), x=4, out=6

from oxide import DisjointSlice, Slice, Slice2D, device, f32, kernel, thread


@device
def dot(x: Slice[f32], y: Slice[f32]) -> f32:
    total = 0.0
    for k in range(max(len(x), len(y))):
        total += x[k] * y[k]  # error: [OX301]
    return total


@kernel(requires=lambda a, x, out: a.shape[0] == len(out))
def matrix_times_vector(a: Slice2D[f32], x: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = dot(a[i, :], x)
