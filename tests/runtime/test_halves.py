"""f16 and bf16 on the host: what buffers hold, what scalars may be."""

from __future__ import annotations

import numpy as np
import pytest

import oxide
from oxide import DisjointSlice, SharedArray, Slice, bf16, f16, f32, kernel, sync_threads, thread
from oxide import warp as lanes


@kernel
def axpy(s: f16, x: Slice[f16], y: DisjointSlice[f16]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = s * x[i] + y[i] * 0.5


@kernel
def widen(x: Slice[bf16], y: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = f32(x[i] * 3 + 1)


@kernel
def narrow(x: Slice[f32], y: DisjointSlice[bf16]):
    i = thread.index_1d()
    if i < len(y) and i < len(x):
        y[i] = bf16(x[i])


@kernel(block=64)
def neighbours(x: Slice[f16], y: DisjointSlice[f16]):
    tile = SharedArray(f16, 64)
    i = thread.index_1d()
    tile[thread.x] = x[i] if i < len(x) else 0.0
    sync_threads()
    v = lanes.shuffle_xor(tile[63 - thread.x], 1)
    if i < len(y):
        y[i] = v


@pytest.fixture(autouse=True)
def on_cpu():
    with oxide.device("cpu"):
        yield


def test_numpy_rounds_the_same():
    x = (np.arange(-300, 300) / 7).astype(np.float16)
    y = np.linspace(-3, 9, 600).astype(np.float16)
    expected = np.float16(1.5) * x + y * np.float16(0.5)
    axpy[3, 256](1.5, x, y)
    assert np.array_equal(y, expected)


def test_a_scalar_out_of_range_is_refused():
    x = np.zeros(4, np.float16)
    with pytest.raises(oxide.LaunchError, match="out of the range of f16"):
        axpy[1, 32](1e6, x, x.copy())


def test_halves_go_round_by_way_of_shared_memory_and_lanes():
    x = np.arange(64).astype(np.float16)
    y = np.zeros(64, np.float16)
    neighbours[1, 64](x, y)
    assert np.array_equal(y, np.arange(64)[::-1].reshape(32, 2)[:, ::-1].ravel())


def test_bf16_there_and_back():
    values = np.array([0.0, -1.0, 3.140625, 1e30, 1 + 2.0**-8, 1 + 2.0**-9, np.inf], np.float32)
    half = oxide.zeros(len(values), bf16)
    back = oxide.zeros(len(values), f32)
    narrow[1, 32](oxide.asarray(values), half)
    assert half.numpy().itemsize == 2
    bits = half.numpy().view(np.uint16).astype(np.uint32) << 16
    rounded = [bf16(float(value)) for value in values]
    assert bits.view(np.float32).tolist() == rounded
    widen[1, 32](half, back)
    expected = [bf16(bf16(value * 3) + 1) for value in rounded]
    assert back.numpy().tolist() == expected
