"""Planes laid out by width instead of height: the rows of one channel reach into the next."""
# launch: grid=1, block=36, src=36, dst=60

from oxide import DisjointSlice, Slice, f32, grid_stride, kernel

CHANNELS, HEIGHT, WIDTH = 3, 3, 4


@kernel
def to_planes(src: Slice[f32], dst: DisjointSlice[f32]):
    for i in grid_stride(len(src)):
        channel = i % CHANNELS
        pixel = i // CHANNELS
        row, col = pixel // WIDTH, pixel % WIDTH
        if row < HEIGHT:
            at = (channel * HEIGHT + row) * HEIGHT + col
            if at < len(dst):
                dst[at] = src[i]  # error: [OX102]
