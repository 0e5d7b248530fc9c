"""Copies as operations: of views, from pinned memory, and what may change meanwhile."""

import threading

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from runtime.on_devices import place

__all__ = ["place"]


def table(place):
    return oxide.asarray(np.arange(12, dtype=np.float32).reshape(3, 4), device=place)


def test_parts_of_arrays(place):
    whole = table(place)
    column, rows = whole[:, 1], whole[1:]
    with oxide.device(place):
        assert ops.download(column).sync().tolist() == [1, 5, 9]
        assert ops.download(rows).sync().tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
        ops.copy(column, np.full(3, 7, np.float32)).sync()
        ops.clear(whole[:, 3]).sync()
        ops.copy(whole[0], whole[2]).sync()
        ops.copy(whole[:, 2], whole[:, 0]).sync()
    assert whole.numpy().tolist() == [[8, 7, 8, 0], [4, 7, 4, 0], [8, 7, 8, 0]]
    with pytest.raises(ValueError, match=r"copy wants \(3,\) of f32"):
        ops.copy(column, whole[0]).sync()


def test_pinned_memory_is_copied_as_it_is(place):
    pinned = oxide.pinned(6, oxide.f32, device=place)
    pinned[...] = 1
    with oxide.device(place):
        x = ops.upload(pinned).sync()
        pinned[...] = 2
        ops.copy(x[1:3], pinned[:2]).sync()
        pinned[...] = 3
    assert x.numpy().tolist() == [1, 2, 2, 1, 1, 1]


def test_an_array_may_change_when_its_copy_was_begun():
    gate, stream = threading.Event(), oxide.stream("cpu")
    array, x = np.ones(3, np.float32), oxide.zeros(3, oxide.f32, device="cpu")
    stream.host.enqueue(gate.wait)

    def change(context):
        array[...] = 9
        gate.set()

    with oxide.device("cpu"):
        ops.copy(x, array).and_then(lambda _: ops.with_context(change)).sync_on(stream)
    assert x.numpy().tolist() == [1, 1, 1]
