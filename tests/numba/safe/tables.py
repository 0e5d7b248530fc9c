"""Tables that kernels search: open addressing, classes by limits, flat places taken apart."""

import numpy as np

from numba import cuda

EMPTY = -1


@cuda.jit(device=True)
def scattered(key, length):
    return (key * 2654435761) % length


@cuda.jit
def look_up(keys, wanted, places):
    i = cuda.grid(1)
    if i < wanted.size:
        at = scattered(wanted[i], keys.shape[0])
        while True:
            if keys[at] == wanted[i]:
                places[i] = at
                break
            if keys[at] == EMPTY:
                places[i] = EMPTY
                break
            at = (at + 1) % keys.shape[0]


@cuda.jit(device=True)
def class_of(value, limits):
    found = -1
    for b in range(len(limits)):
        if b == 0:
            if value <= limits[b]:
                found = b
                break
        elif limits[b - 1] < value <= limits[b]:
            found = b
            break
    return found


@cuda.jit
def classify(values, limits, classes, out):
    i, j = cuda.grid(2)
    if i < out.shape[0] and j < out.shape[1]:
        found = class_of(values[i, j], limits)
        out[i, j] = classes[found] if found > -1 else np.nan


@cuda.jit
def rows_of(flat, width, out):
    i = cuda.grid(1)
    if i < flat.size:
        row, column = divmod(i, width)
        if row < out.shape[0] and column < out.shape[1]:
            out[row, column] = flat[i]


def main():
    keys = np.full(1024, EMPTY, dtype=np.int64)
    wanted = np.arange(100, dtype=np.int64)
    look_up[4, 32](keys, wanted, np.zeros(100, dtype=np.int64))
