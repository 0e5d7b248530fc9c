"""Interleaved colours to planes: a flat index is taken apart by 3 and by the width, and put together anew."""
# launch: grid=2, block=16, src=36, dst=36, height=3, width=4
# launch: grid=1, block=8, src=20, dst=18, height=2, width=3

from oxide import DisjointSlice, Slice, f32, grid_stride, i32, kernel

CHANNELS = 3


@kernel(
    requires=lambda src, dst, height, width: (
        height >= 0 and width >= 1 and len(dst) >= CHANNELS * height * width
    ),
)
def to_planes(src: Slice[f32], dst: DisjointSlice[f32], height: i32, width: i32):
    for i in grid_stride(len(src)):
        channel = i % CHANNELS
        pixel = i // CHANNELS
        row, col = pixel // width, pixel % width
        if row < height:
            dst[(channel * height + row) * width + col] = src[i]
