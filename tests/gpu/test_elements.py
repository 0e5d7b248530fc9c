"""Complex numbers, records and random states on a real device: what the cpu device gives."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide.numba import cuda
from oxide.numba.cuda.random import create_xoroshiro128p_states
from runtime import numba_records as kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.gpu

N = 1000


@pytest.fixture(autouse=True)
def on_the_gpu() -> Iterator[None]:
    with oxide.device("cuda"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_multiplied(dtype: Any) -> None:
    x = (np.arange(N) + 1j * np.arange(N)[::-1]).astype(dtype)
    y = (np.arange(N) % 7 - 1j).astype(dtype)
    expected = (x * y + (2 - 3j)).astype(dtype)
    there = cuda.to_device(y)
    kernels.multiplied[16, 64](x, y, 2 - 3j)
    assert (y == expected).all()
    # Behind an odd number of elements nothing is aligned to 16 bytes.
    kernels.multiplied[16, 64](cuda.to_device(x)[1:], there[1:], 2 - 3j)
    assert (there.copy_to_host()[1:] == expected[1:]).all()


@pytest.mark.parametrize("wide", [np.float16, np.float32, np.float64, np.complex64, np.int64])
@pytest.mark.parametrize("offset", [1, 2, 4, 8])
def test_numbers_that_are_not_aligned_are_kept_whole(wide: Any, offset: int) -> None:
    size = np.dtype(wide).itemsize
    dtype = np.dtype(
        {
            "names": ["tag", "v"],
            "formats": [np.uint8, wide],
            "offsets": [0, offset],
            "itemsize": offset + size + offset % 8,
        }
    )
    p, q = np.zeros(N, dtype), np.zeros(N, dtype)
    p["v"], q["v"] = np.arange(N) % 50 + 0.25, 3
    p["tag"] = np.arange(N)
    expected = (p["v"] * q["v"] + p["v"]).astype(wide)
    kernels.scaled_by_another[16, 64](p, q)
    assert (p["v"] == expected).all()
    assert (p["tag"] == np.arange(N).astype(np.uint8)).all()


def test_packed_records_are_changed_where_they_lie() -> None:
    p = np.zeros(N, kernels.packed)
    p["tag"], p["v"], p["w"] = 7, np.arange(N), 2.5
    by = np.zeros(1, np.dtype([("w", "i4"), ("z", "c16")]))
    by["w"], by["z"] = 3, 4j
    kernels.halved[16, 64](p, by[0])
    assert (p["tag"] == np.arange(N).astype(np.uint8)).all()
    assert (p["v"] == 3 * np.arange(N) + 7).all()
    assert (p["w"] == [2.5, 6.5]).all()


def test_random_numbers_are_those_of_the_cpu() -> None:
    states = create_xoroshiro128p_states(N, seed=3)
    out = np.zeros(N, np.float32)
    kernels.drawn[16, 64](states, out)
    with oxide.device("cpu"):
        states = create_xoroshiro128p_states(N, seed=3)
        expected = np.zeros(N, np.float32)
        kernels.drawn[16, 64](states, expected)
    assert (out == expected).all()


def test_blocks_share_complex_numbers() -> None:
    x = np.arange(32).astype(np.complex64)
    out = np.zeros_like(x)
    kernels.reversed_by_block[1, 32](x, out)
    assert (out == x[::-1]).all()
