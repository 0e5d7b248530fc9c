# pyright: strict
"""Arrays on the host, as type checkers see them."""

from typing import Any

import numpy as np

import oxide
from oxide import DisjointSlice, Slice, f32, i32, kernel, thread


@kernel
def scale(factor: f32, x: Slice[f32], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = factor * x[i]


def pipeline(batches: list[np.ndarray[Any, Any]]) -> float:
    stream = oxide.stream()
    here = oxide.pinned((4, 64), f32)
    here[:] = 0.0
    with oxide.zeros((4, 64), f32) as x, oxide.managed(256, f32, device="cpu") as y:
        for batch in batches:
            here[:] = batch
            x.copy_from(here, stream)
            scale.prepare(grid=1, block=256, stream=stream)(2.0, x.reshape(256), y)
        y.copy_to(here.reshape(256), stream)
        y.copy_to(x.ravel())
        here.sync()
        column = x.T[0].copy()
        total = y.array.sum() + column.numpy().sum() + np.from_dlpack(x.transpose(1, 0)).sum()
        shared = oxide.from_dlpack(here, copy=False)
        assert shared.is_contiguous
        assert x.strides == (256, 4)
    return float(total)


def chosen(resource: object) -> object:
    oxide.set_memory_resource(resource, "cuda:0")
    return oxide.memory_resource()


def several() -> oxide.DeviceBuffer[i32]:
    made = oxide.managed(4, i32)
    array: oxide.HostArray = made.array
    array[0] = 1
    return made.copy()
