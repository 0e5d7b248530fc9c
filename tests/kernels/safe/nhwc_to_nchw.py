"""Images from NHWC to NCHW: a flat index is taken apart by three divisions and put together anew."""
# launch: grid=2, block=16, src=24, dst=24, count=1, channels=2, height=3, width=4
# launch: grid=1, block=8, src=30, dst=24, count=2, channels=2, height=2, width=3

from oxide import DisjointSlice, Slice, f32, grid_stride, i32, kernel


@kernel(
    requires=lambda src, dst, count, channels, height, width: (
        count >= 0
        and channels >= 1
        and height >= 1
        and width >= 1
        and len(dst) >= count * height * width * channels
        and len(src) >= count * height * width * channels
    ),
)
def to_nchw(
    src: Slice[f32],
    dst: DisjointSlice[f32],
    count: i32,
    channels: i32,
    height: i32,
    width: i32,
):
    for i in grid_stride(len(src)):
        channel = i % channels
        pixel = i // channels
        col = pixel % width
        row = pixel // width % height
        image = pixel // width // height
        if image < count:
            at = ((image * channels + channel) * height + row) * width + col
            dst[at] = src[i]
