"""Tuples and swaps: right-hand sides first, then targets."""
# launch: grid=1, block=8, out=(6, 2), n=5
# launch: grid=2, block=4, out=(8, 2), n=0

from oxide import DisjointSlice2D, i32, i64, kernel, thread


@kernel(requires=lambda out: out.shape[1] == 2)
def fibonacci(out: DisjointSlice2D[i64], n: i32):
    i = thread.index_1d()
    if i < out.shape[0]:
        x, y = i, i + 1
        for _ in range(n):
            x, y = y, x + y
        out[i, 0], out[i, 1] = x, y
