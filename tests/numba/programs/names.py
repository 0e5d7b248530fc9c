"""Names that hold numbers of several types, arrays or tuples; divisors and exponents that are zero
or less. Every function is called by one kernel, and gives a row of `out`."""

# Names are used again on purpose.
# ruff: noqa: RET504, PLW2901, B007

import numpy as np

from numba import cuda

N = 4


@cuda.jit(device=True)
def halved_parameter(i, n):
    n = n * 0.5
    return n


@cuda.jit(device=True)
def an_integer_and_a_float(i, x, w):
    k = w[i]
    k = k // 2
    a = k * 3
    k = x[i] / 2
    return a + k


@cuda.jit(device=True)
def a_large_integer(i):
    t = 9007199254740993 + i
    u = t % 10
    t = 0.5
    return u + t


@cuda.jit(device=True)
def a_sum_that_starts_at_zero(i, x):
    total = 0
    for j in range(N):
        total = total + x[(i + j) % N]
        if total > 2:
            total = total // 2
    return total


@cuda.jit(device=True)
def branches(i, x):
    if i % 2 == 0:
        v = i
    else:
        v = x[i]
    q = v // 2
    if i > 2:
        v = 0.25
    return q + v


@cuda.jit(device=True)
def left_by_break(i, x):
    v = 3
    total = 0
    while True:
        total += v // 2
        v = v + 2
        if v > 10 + i:
            v = x[i]
            break
    return total + v


@cuda.jit(device=True)
def left_by_break_or_not(i):
    v = 0
    total = 0
    for j in range(10):
        total += v // 2
        if j == i:
            v = 0.75
            break
        if j == 2:
            continue
        v += 3
    return total * 10 + v


@cuda.jit(device=True)
def a_loop_that_ends(i):
    v = 1
    for j in range(4):
        if j == i + 1:
            v = 0.5
            break
    else:
        v = v // 2
    return v


@cuda.jit(device=True)
def the_name_of_a_loop(i):
    j = 0.5
    t = j * 3
    for j in range(i):
        t += j // 2
        j = j * 0.5
        t += j
    return t + j


@cuda.jit(device=True)
def rounds(i):
    v = 5
    t = 0.0
    for j in range(6):
        t += v // 2
        if j % 2 == 0:
            v = j
            continue
        v = j * 0.5 + i
    return t + v


@cuda.jit(device=True)
def swapped(i):
    a = 1
    b = 0.5
    for j in range(i):
        a, b = b, a
    return a * 10 + b


@cuda.jit(device=True)
def a_tuple_and_a_number(i, x):
    p = (i, x[i])
    a = p[0] + p[1]
    p = a * 2
    return p


@cuda.jit(device=True)
def an_array_and_a_number(i, x, w):
    v = x
    a = v[i]
    v = w
    a = a + v[i]
    v = a // 2
    x = x[i]
    return v * x


@cuda.jit(device=True)
def narrow_integers(i, s):
    a = s[i]
    a = a * 2147483647
    b = s[i]
    b += 2147483647
    return a - b


@cuda.jit(device=True)
def in_place(i):
    v = 7 + i
    v //= 2
    v /= 4
    v **= 2
    return v


@cuda.jit(device=True)
def returned_early(i, n, r):
    v = n
    if i == 1:
        return v // 2
    v = r
    return v


@cuda.jit(device=True)
def by_zero(i):
    z = i - 2
    a, b = divmod(9, z)
    return 100 * (7 // z) + 10 * (-7 % z) + a + b


@cuda.jit(device=True)
def by_narrow_zero(i, s):
    z = s[i] - s[i]
    return (s[i] // z) + (s[i] % z) + 3


@cuda.jit(device=True)
def fractions(i):
    z = i - 2
    return 7 / z


@cuda.jit(device=True)
def floats_by_zero(i):
    z = (i - 2) * 1.0
    return 7.5 // z


@cuda.jit(device=True)
def negative_powers(i):
    a = i - 1
    return (a**-1) // 2**40 + 10 * a**-2 + 2**i + 2**-i + (i - 2) ** -i // 2**40


@cuda.jit
def every(x, w, s, n, r, out):
    i = cuda.grid(1)
    if i < N:
        out[0, i] = halved_parameter(i, n)
        out[1, i] = an_integer_and_a_float(i, x, w)
        out[2, i] = a_large_integer(i)
        out[3, i] = a_sum_that_starts_at_zero(i, x)
        out[4, i] = branches(i, x)
        out[5, i] = left_by_break(i, x)
        out[6, i] = left_by_break_or_not(i)
        out[7, i] = a_loop_that_ends(i)
        out[8, i] = the_name_of_a_loop(i)
        out[9, i] = rounds(i)
        out[10, i] = swapped(i)
        out[11, i] = a_tuple_and_a_number(i, x)
        out[12, i] = an_array_and_a_number(i, x, w)
        out[13, i] = narrow_integers(i, s)
        out[14, i] = in_place(i)
        out[15, i] = returned_early(i, n, r)


@cuda.jit
def divided(s, out):
    i = cuda.grid(1)
    if i < N:
        out[0, i] = by_zero(i)
        out[1, i] = by_narrow_zero(i, s)
        out[2, i] = fractions(i)
        out[3, i] = floats_by_zero(i)
        out[4, i] = negative_powers(i)


@cuda.jit
def its_own(x, n, out):
    i = cuda.grid(1)
    n = n * 0.75
    if i < N:
        x = x[i]
        out[i] = x * n


def main():
    x = np.array([0.5, 1.25, -2.0, 3.0], np.float32)
    w = np.array([3, -5, 8, 11])
    s = np.array([2, -3, 100, 7], np.int32)
    out, quotients, own = np.zeros((16, N)), np.zeros((5, N)), np.zeros(N)
    every[1, 32](x, w, s, 9, 2.5, out)
    divided[1, 32](s, quotients)
    its_own[1, 32](x, 9, own)
    return {"names": out, "quotients": quotients, "own": own}
