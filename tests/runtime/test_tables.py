"""Constant arrays of live modules and closures: a tuple bound anew is a new specialisation."""

import numpy as np
import pytest

import oxide
from oxide import DisjointSlice, f32, i64, kernel, thread
from oxide_codegen.errors import OxideError

SQUARES = (0, 1, 4, 9)


@kernel
def squares(out: DisjointSlice[i64]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = SQUARES[i % 4]


def stepping(shift: int):
    steps = (1, shift)

    @kernel
    def chosen(out: DisjointSlice[f32]):
        i = thread.index_1d()
        if i < len(out):
            out[i] = f32(steps[i % 2])

    return chosen


@pytest.mark.parametrize("device", ["cpu", "interpreter"])
def test_a_tuple_that_is_bound_anew_is_read_again(device, monkeypatch):
    out = np.zeros(6, np.int64)
    with oxide.device(device):
        squares[1, 6](out)
        assert out.tolist() == [0, 1, 4, 9, 0, 1]
        monkeypatch.setitem(globals(), "SQUARES", (5, 6, 7, 8))
        squares[1, 6](out)
        assert out.tolist() == [5, 6, 7, 8, 5, 6]
        for other in ((5, 6, 7), (5, 6, 7, 8, 9)):
            monkeypatch.setitem(globals(), "SQUARES", other)
            words = f"`SQUARES` .* has {len(other)} items now, and 4 in the source"
            with pytest.raises(OxideError, match=words):
                squares[1, 6](out)


def test_a_tuple_of_a_closure_has_the_values_of_its_cell():
    for shift in (3, 40):
        out = np.zeros(4, np.float32)
        with oxide.device("cpu"):
            stepping(shift)[1, 4](out)
        assert out.tolist() == [1, shift, 1, shift]
