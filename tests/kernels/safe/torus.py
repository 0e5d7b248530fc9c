"""Neighbours on a torus: `%` by a length is below it, and the length is not zero behind the guard."""
# launch: grid=(2, 2), block=(4, 4), cells=(5, 7), out=(5, 7)
# launch: grid=(1, 1), block=(2, 2), cells=(1, 1), out=(1, 1)

from oxide import DisjointSlice2D, Slice2D, i32, kernel, thread


@kernel(requires=lambda cells, out: out.shape[0] == cells.shape[0] and out.shape[1] == cells.shape[1])
def life(cells: Slice2D[i32], out: DisjointSlice2D[i32]):
    row, col = thread.index_2d()
    rows, cols = cells.shape
    if row >= rows or col >= cols:
        return
    count = 0
    for y in range(-1, 2):
        for x in range(-1, 2):
            if y != 0 or x != 0:
                count += cells[(row + y) % rows, (col + x) % cols]
    out[row, col] = 1 if count == 3 or (count == 2 and cells[row, col] == 1) else 0
