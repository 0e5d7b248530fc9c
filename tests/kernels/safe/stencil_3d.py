"""The heat equation in space: seven points, of which the border is left as it is."""
# launch: grid=(2, 1, 1), block=(4, 4, 4), a=(4, 4, 5), out=(4, 4, 5), k=0.5
# launch: grid=(1, 1, 2), block=(4, 4, 2), a=(3, 4, 4), out=(3, 4, 4), k=0.1

from oxide import DisjointSlice3D, Slice3D, f32, kernel, thread


@kernel(
    requires=lambda a, out: a.shape[0] == out.shape[0]
    and a.shape[1] == out.shape[1]
    and a.shape[2] == out.shape[2],
)
def heat(a: Slice3D[f32], out: DisjointSlice3D[f32], k: f32):
    z, y, x = thread.index_3d()
    depth, height, width = a.shape
    if 0 < z < depth - 1 and 0 < y < height - 1 and 0 < x < width - 1:
        here = a[z, y, x]
        around = a[z - 1, y, x] + a[z + 1, y, x]
        around += a[z, y - 1, x] + a[z, y + 1, x]
        around += a[z, y, x - 1] + a[z, y, x + 1]
        out[z, y, x] = here + k * (around - 6.0 * here)
