"""Three channels two apart: the third of one element is the first of the next."""
# launch: grid=2, block=8, red=20, green=20, blue=20, out=60

from oxide import DisjointSlice, Slice, f32, grid_stride, kernel


@kernel(
    requires=lambda red, green, blue, out: (
        len(green) >= len(red) and len(blue) >= len(red) and len(out) >= 3 * len(red)
    ),
)
def interleave(
    red: Slice[f32], green: Slice[f32], blue: Slice[f32], out: DisjointSlice[f32]
):
    for i in grid_stride(len(red)):
        out[2 * i] = red[i]  # also: [OX102] # also: [OX105]
        out[2 * i + 1] = green[i]
        out[2 * i + 2] = blue[i]  # error: [OX102] # also: [OX105]
