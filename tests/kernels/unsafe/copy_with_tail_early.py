"""The tail begins one element early: its first thread writes what a whole group has."""
# launch: grid=2, block=8, a=150, out=150

from oxide import DisjointSlice, Slice, block_dim, f32, grid_dim, kernel, thread

WIDTH = 4


@kernel(requires=lambda a, out: len(out) >= len(a))
def scale(a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    threads = grid_dim.x * block_dim.x
    whole = len(a) // WIDTH
    group = i
    while group < whole:
        for k in range(WIDTH):
            out[group * WIDTH + k] = 2.0 * a[group * WIDTH + k]  # also: [OX105] # also: [OX102]
        group += threads
    rest = whole * WIDTH + i - 1
    if 0 <= rest and rest < len(a) and i < WIDTH:
        out[rest] = 2.0 * a[rest]  # error: [OX102] # also: [OX105]
