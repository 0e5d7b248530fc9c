"""The greatest of two by two, over images that are flat in memory."""
# launch: grid=2, block=8, src=48, dst=12, n=2, c=1, h=4, w=6
# launch: grid=1, block=4, src=15, dst=2, n=1, c=1, h=3, w=5

from oxide import DisjointSlice, Slice, f32, grid_stride, kernel


@kernel(
    domain=1,
    requires=lambda src, dst, n, c, h, w: (
        n >= 0
        and c >= 1
        and h >= 2
        and w >= 2
        and len(src) >= n * c * h * w
        and len(dst) >= n * c * (h // 2) * (w // 2)
    ),
)
def pool(src: Slice[f32], dst: DisjointSlice[f32], n: int, c: int, h: int, w: int):
    oh, ow = h // 2, w // 2
    for i in grid_stride(n * c * oh * ow):
        x = i % ow
        y = i // ow % oh
        p = i // ow // oh
        best = -1.0e30
        for dy in range(2):
            for dx in range(2):
                best = max(best, src[(p * h + 2 * y + dy) * w + 2 * x + dx])
        dst[i] = best
