"""The lower triangle of a matrix, packed by rows: row r begins at r·(r + 1) / 2."""
# launch: grid=2, block=4, full=(6, 6), packed=21
# launch: grid=1, block=8, full=(3, 3), packed=6

from oxide import DisjointSlice, Slice2D, f32, kernel, thread


@kernel
def pack(full: Slice2D[f32], packed: DisjointSlice[f32]):
    row = thread.index_1d()
    if row < full.shape[0]:
        start = row * (row + 1) // 2
        for col in range(row + 1):
            if col < full.shape[1] and start + col < len(packed):
                packed[start + col] = full[row, col]  # hint: [OX601]
