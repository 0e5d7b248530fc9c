"""An index computed in bytes comes round after 255."""
# launch: grid=1, block=512, image=1536, grey=512

from oxide import DisjointSlice, Slice, i32, kernel, thread, u8


@kernel(requires=lambda image, grey: len(image) == 3 * len(grey))
def brightness(image: Slice[u8], grey: DisjointSlice[u8]):
    i = u8(thread.index_1d())
    if i < len(grey):
        red, green, blue = i32(image[3 * i]), i32(image[3 * i + 1]), i32(image[3 * i + 2])
        grey[i] = u8(  # error: [OX102]
            thread.index_1d() +(77 * red + 150 * green + 29 * blue) >> 8)
