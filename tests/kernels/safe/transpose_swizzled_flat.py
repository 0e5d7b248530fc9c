"""A swizzled transpose whose tile has one dimension: the mask is a digit of its index."""
# launch: grid=(1, 1), block=(32, 32), a=(32, 32), out=(32, 32)
# launch: grid=(2, 1), block=(32, 32), a=(40, 20), out=(20, 40)

from oxide import DisjointSlice2D, SharedArray, Slice2D, block, f32, kernel, sync_threads, thread

N = 32


@kernel(block=(N, N))
def transpose(a: Slice2D[f32], out: DisjointSlice2D[f32]):
    tile = SharedArray(f32, N * N)
    x, y = thread.x, thread.y
    row, col = thread.index_2d()
    tile[y * N + (x ^ y)] = a[row, col] if row < a.shape[0] and col < a.shape[1] else 0.0
    sync_threads()
    to_row, to_col = block.x * N + y, block.y * N + x
    if to_row < out.shape[0] and to_col < out.shape[1]:
        out[to_row, to_col] = tile[x * N + (y ^ x)]
