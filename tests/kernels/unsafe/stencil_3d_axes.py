"""Width and depth in each other's place."""
# launch: grid=(1, 1, 1), block=(4, 4, 8), a=(4, 4, 8), out=(4, 4, 8), k=0.5

from oxide import DisjointSlice3D, Slice3D, f32, kernel, thread


@kernel(
    requires=lambda a, out: a.shape[0] == out.shape[0]
    and 2 * a.shape[0] == a.shape[2]
    and a.shape[1] == out.shape[1]
    and a.shape[2] == out.shape[2],
)
def heat(a: Slice3D[f32], out: DisjointSlice3D[f32], k: f32):
    z, y, x = thread.index_3d()
    width, height, depth = a.shape
    if 0 < z < depth - 1 and 0 < y < height - 1 and 0 < x < width - 1:
        here = a[z, y, x]  # error: [OX301]
        around = a[z - 1, y, x] + a[z + 1, y, x]  # also: [OX301]
        around += a[z, y - 1, x] + a[z, y + 1, x]  # also: [OX301]
        around += a[z, y, x - 1] + a[z, y, x + 1]  # also: [OX301]
        out[z, y, x] = here + k * (around - 6.0 * here)  # also: [OX301]
