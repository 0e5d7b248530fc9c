"""A volume in a flat slice, indexed by all three axes."""
# launch: grid=(2, 1, 2), block=(4, 4, 2), out=60, depth=3, height=4, width=5
# launch: grid=(1, 1, 1), block=(2, 2, 2), out=8, depth=2, height=2, width=2

from oxide import DisjointSlice, block, block_dim, f32, i32, kernel, thread


@kernel(
    requires=lambda out, depth, height, width: (
        depth >= 0 and height >= 0 and width >= 0 and len(out) >= depth * height * width
    ),
)
def fill(out: DisjointSlice[f32], depth: i32, height: i32, width: i32):
    x = block.x * block_dim.x + thread.x
    y = block.y * block_dim.y + thread.y
    z = block.z * block_dim.z + thread.z
    if x < width and y < height and z < depth:
        out[(z * height + y) * width + x] = f32(x + y + z)
