"""A barrier in either branch: two barriers, and neither is met by all."""
# launch: grid=1, block=32, out=32

from oxide import DisjointSlice, f32, kernel, sync_threads, thread


@kernel
def fill(out: DisjointSlice[f32]):
    if thread.x < 16:
        sync_threads()  # error: [OX201]
    else:
        sync_threads()  # error: [OX201]
    i = thread.index_1d()
    if i < len(out):
        out[i] = 1.0
