"""Patches of an image as columns of a matrix, by the digits of a flat index."""
# launch: grid=2, block=8, img=(2, 2, 3), col=(18, 6)
# launch: grid=1, block=4, img=(1, 3, 2), col=(9, 6)

from oxide import DisjointSlice2D, Slice3D, f32, grid_stride, kernel

K = 3


@kernel(
    domain=1,
    requires=lambda img, col: (
        col.shape[0] >= img.shape[0] * 9 and col.shape[1] >= img.shape[1] * img.shape[2]
    ),
)
def im2col(img: Slice3D[f32], col: DisjointSlice2D[f32]):
    ch, h, w = img.shape
    for i in grid_stride(ch * h * w):
        x = i % w
        y = (i // w) % h
        c = i // (w * h)
        for ky in range(K):
            for kx in range(K):
                r = y + ky - K // 2
                s = x + kx - K // 2
                v = 0.0
                if 0 <= r < h and 0 <= s < w:
                    v = img[c, r, s]
                col[(c * K + ky) * K + kx, y * w + x] = v
