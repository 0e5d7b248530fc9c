"""Random programs of copies, views, launches and frees on several streams, beside NumPy's."""

import random

import numpy as np
import pytest

import oxide
from runtime import programs, unproved

ROWS, N, STEPS = 4, 48, 120
VIEWS = (
    lambda a: a,
    lambda a: a[1:3],
    lambda a: a[:, ::2],
    lambda a: a[::-1],
    lambda a: a.T,
    lambda a: a.reshape(N, ROWS)[5:],
)


class Lender:
    """An array of another library."""

    def __init__(self, buffer):
        self.__dlpack__ = buffer.__dlpack__
        self.__dlpack_device__ = buffer.__dlpack_device__


class Program:
    """Arrays of Oxide, and what NumPy makes of the same steps one after the other."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.streams = (None, *(oxide.stream() for _ in range(3)))
        lender = Lender(oxide.zeros((ROWS, N), oxide.f32))
        # Two that borrow one memory are one.
        self.arrays = [oxide.zeros((ROWS, N), oxide.f32) for _ in range(3)]
        self.arrays += [oxide.managed((ROWS, N), oxide.f32)]
        self.arrays += [oxide.from_dlpack(lender), oxide.from_dlpack(lender)]
        expected = [np.zeros((ROWS, N), np.float32) for _ in range(5)]
        self.expected = [*expected, expected[4]]
        self.pinned = [oxide.pinned((ROWS, N), oxide.f32) for _ in range(2)]
        self.read = [np.zeros((ROWS, N), np.float32) for _ in range(2)]
        for array in self.pinned:
            array[...] = 0.0

    def step(self):
        choose = self.random
        stream, view = choose.choice(self.streams), choose.choice(VIEWS)
        (i, x), (j, y) = (choose.choice([*enumerate(self.arrays)]) for _ in range(2))
        k = choose.randrange(2)
        p, expected, other = self.pinned[k], self.expected[i], self.expected[j]
        match choose.randrange(9):
            case 0:
                view(x).copy_from(view(p), stream)
                view(expected)[...] = view(self.read[k])
            case 1:
                view(x).copy_to(view(p), stream)
                view(self.read[k])[...] = view(expected)
            case 2:
                view(x).copy_from(view(y), stream)
                view(expected)[...] = view(other).copy()
            case 3 if expected is not other:
                a, b = choose.randrange(ROWS), choose.randrange(ROWS)
                programs.vecadd[1, 64, stream](x[a], x[b], y[a])
                other[a] = expected[a] + expected[b]
            case 4:
                value = np.full((ROWS, N), choose.random(), np.float32)
                x.copy_from(value, stream)
                expected[...] = value
                value[:] = -1.0
            case 5:
                row, value = choose.randrange(ROWS), choose.random()
                p[row] = value
                self.read[k][row] = value
            case 6 if i < 3:
                x.free()
                self.arrays[i] = oxide.asarray(expected)
            case 7:
                self.arrays[3].array[1] = 3.0
                self.expected[3][1] = 3.0
            case _:
                np.testing.assert_array_equal(view(x).numpy(), view(expected))
                np.testing.assert_array_equal(p + 0.0, self.read[k])

    def check(self):
        for array, expected in zip(self.arrays, self.expected, strict=True):
            np.testing.assert_array_equal(array.numpy(), expected)
        for array, expected in zip(self.pinned, self.read, strict=True):
            np.testing.assert_array_equal(array + 0.0, expected)


@pytest.mark.parametrize("seed", range(6))
def test_arrays_hold_what_they_would_one_step_after_the_other(seed, monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        program = Program(seed)
        for _ in range(STEPS):
            program.step()
        program.check()
        oxide.synchronize()
