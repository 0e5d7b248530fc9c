"""A lookup through indices that the launch promises to be inside."""
# launch: grid=1, block=8, table=3, index=[2, 2, 0, 1, 0], out=5
# launch: grid=2, block=2, table=1, index=[0, 0, 0], out=3

from oxide import DisjointSlice, Slice, f32, i32, kernel, thread, within


@kernel(requires=lambda table, index, out: within(index, 0, len(table)) and len(index) == len(out))
def gather(table: Slice[f32], index: Slice[i32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = table[index[i]]
