"""Searches whose loops have an `else`: what is done when nothing was found."""

import numpy as np

from numba import cuda


@cuda.jit
def place_of(table, wanted, out):
    i = cuda.grid(1)
    if i < wanted.shape[0]:
        for j in range(table.shape[0]):
            if table[j] == wanted[i]:
                out[i] = j
                break
        else:
            out[i] = -1


@cuda.jit
def first_beyond(rows, limit, out):
    i = cuda.grid(1)
    if i < out.shape[0]:
        n = 0
        while n < rows.shape[0]:
            for k in range(rows.shape[1]):
                if rows[n, k] > limit:
                    break
            else:
                # The break of an inner loop's `else` is one of the outer loop.
                break
            n += 1
        else:
            n = -1
        out[i] = n


def main():
    table = np.arange(50, dtype=np.int32)
    wanted = np.array([3, 99, 17, 49], np.int32)
    out = np.zeros(4, np.int32)
    place_of[1, 32](table, wanted, out)
    rows = np.zeros((20, 3), np.float32)
    first_beyond[1, 32](rows, 1.0, out)


if __name__ == "__main__":
    main()
