"""An image halved in both directions, both images flat: four pixels for one."""
# launch: grid=(2, 2), block=(4, 4), src=60, dst=15, height=3, width=5
# launch: grid=(1, 1), block=(8, 4), src=64, dst=20, height=4, width=4

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(
    requires=lambda src, dst, height, width: (
        height >= 0
        and width >= 0
        and len(dst) >= height * width
        and len(src) >= 4 * height * width
    ),
)
def halve(src: Slice[f32], dst: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if row < height and col < width:
        wide = 2 * width
        top = 2 * row * wide + 2 * col
        total = src[top] + src[top + 1] + src[top + wide] + src[top + wide + 1]
        dst[row * width + col] = 0.25 * total
