"""A grid-stride loop: element i belongs to the thread whose index is i modulo their number."""
# launch: grid=2, block=32, a=100, out=100, k=2.0
# launch: grid=1, block=64, a=10, out=7, k=0.5

from oxide import DisjointSlice, Slice, f32, grid_stride, kernel


@kernel
def scale(a: Slice[f32], out: DisjointSlice[f32], k: f32):
    for i in grid_stride(len(out)):
        out[i] = a[i] * k
