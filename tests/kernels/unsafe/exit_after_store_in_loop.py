"""A thread that leaves in a later round has stored in an earlier one: no barrier orders its store."""
# launch: grid=1, block=32, stops=[9, 1, 9, 9], out=32

from oxide import DisjointSlice, SharedArray, Slice, f32, i32, kernel, sync_threads, thread


@kernel(block=32, requires=lambda stops, out: len(stops) == 4)
def rounds(stops: Slice[i32], out: DisjointSlice[f32]):
    tile = SharedArray(f32, 32)
    t = thread.x
    tile[t] = 0.0
    sync_threads()
    for k in range(4):
        if stops[k] == t:
            return  # error: [OX202]
        tile[t] = f32(k)
    sync_threads()
    if thread.index_1d() < len(out):
        out[thread.index_1d()] = tile[31 - t]
