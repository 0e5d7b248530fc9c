"""Names that hold an index and then a number, one array and then another: each is judged for
itself."""

from numba import cuda


@cuda.jit
def first_an_index(x, out):
    k = cuda.grid(1)
    if k < out.size and k < x.size:
        out[k] = x[k]
        k = x[k] * 0.5
        out[cuda.grid(1)] = k


@cuda.jit
def rows(a, b, out):
    i = cuda.grid(1)
    if i < a.shape[0] and i < b.shape[0] and i < out.size:
        row = a[i]
        total = row[0] if row.shape[0] > 0 else 0
        row = b[i]
        for k in range(row.shape[0]):
            total = total + row[k]
        out[i] = total


@cuda.jit
def halves(a, b, out):
    i = cuda.grid(1)
    if i < out.size and 2 * i < a.size and i < b.size:
        v = a
        total = v[2 * i]
        v = b
        out[i] = total + v[i]


@cuda.jit
def a_bound_that_becomes_a_mean(x, n, out):
    i = cuda.grid(1)
    if i == 0 and n <= x.size and out.size > 0:
        total = 0.0
        for k in range(n):
            total += x[k]
        n = total / n
        out[0] = n
