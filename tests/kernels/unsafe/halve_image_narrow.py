"""The same with a contract for half of the source: the lower rows are not there."""
# launch: grid=(1, 1), block=(8, 4), src=32, dst=20, height=4, width=4

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel(
    requires=lambda src, dst, height, width: (
        height >= 0
        and width >= 0
        and len(dst) >= height * width
        and len(src) >= 2 * height * width
    ),
)
def halve(src: Slice[f32], dst: DisjointSlice[f32], height: i32, width: i32):
    row, col = thread.index_2d()
    if row < height and col < width:
        wide = 2 * width
        top = 2 * row * wide + 2 * col
        total = src[top] + src[top + 1] + src[top + wide] + src[top + wide + 1]  # error: [OX301] # also: [OX301] # also: [OX301] # also: [OX301]
        dst[row * width + col] = 0.25 * total
