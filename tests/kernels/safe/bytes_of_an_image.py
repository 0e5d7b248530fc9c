"""Brightness of an image of bytes: three channels side by side, in integers."""
# launch: grid=1, block=16, image=30, grey=10
# launch: grid=2, block=4, image=15, grey=5

from oxide import DisjointSlice, Slice, i32, kernel, thread, u8


@kernel(requires=lambda image, grey: len(image) == 3 * len(grey))
def brightness(image: Slice[u8], grey: DisjointSlice[u8]):
    i = thread.index_1d()
    if i < len(grey):
        red, green, blue = i32(image[3 * i]), i32(image[3 * i + 1]), i32(image[3 * i + 2])
        grey[i] = u8((77 * red + 150 * green + 29 * blue) >> 8)
