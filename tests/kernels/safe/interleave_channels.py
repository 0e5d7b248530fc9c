"""Three planes to triples: element i of channel c goes to 3·i + c."""
# launch: grid=2, block=8, red=20, green=20, blue=20, out=60
# launch: grid=1, block=8, red=3, green=5, blue=4, out=15

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
        out[3 * i] = red[i]
        out[3 * i + 1] = green[i]
        out[3 * i + 2] = blue[i]
