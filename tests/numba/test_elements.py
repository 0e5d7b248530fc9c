"""Complex numbers and records through `oxide.numba`: layouts, launches, code."""

from __future__ import annotations

import cmath
import itertools
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import oxide
from oxide.numba import UnprovedKernelWarning, UnsupportedKernelError, cuda
from oxide.numba.cuda.random import create_xoroshiro128p_states
from oxide_analyzer.language.records import COMPLEX64, Record, alignment_of
from oxide_codegen.elements import element_of
from runtime import numba_records as kernels

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICES = ("cpu", "interpreter", "sanitizer")


@pytest.fixture(autouse=True)
def on_the_cpu() -> Iterator[None]:
    with oxide.device("cpu"), warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def record(*fields: Any, **more: Any) -> Record:
    found = element_of(np.dtype(list(fields), **more))
    assert isinstance(found, Record)
    return found


# ---------------------------------------------------------------- layouts


def test_records_are_laid_out_as_numpy_says() -> None:
    inner = [("x", "f4"), ("n", "i2", 3)]
    found = record(("tag", "u1"), ("at", inner, 2), ("z", "c8"))
    leaves = {leaf.name: (leaf.type.name, leaf.offset, leaf.strides) for leaf in found.leaves()}
    assert leaves == {
        "tag": ("u8", 0, ()),
        "at.x": ("f32", 1, (10,)),
        "at.n": ("i16", 5, (10, 2)),
        "z.real": ("f32", 21, ()),
        "z.imag": ("f32", 25, ()),
    }
    assert (found.size, found.alignment, found.overlapping()) == (29, 1, frozenset())
    assert element_of(np.dtype("c8")) is COMPLEX64
    assert element_of(np.dtype([("x", ">f4")])) is None
    assert element_of(np.dtype([("x", "S4")])) is None
    assert str(record(("x", "f4"), ("n", "i2", 3))) == "{x: f32, n: i16[3]; 10}"


@pytest.mark.parametrize(
    ("dtype", "aligned", "expected"),
    [
        ([("a", "f4"), ("b", "f8")], False, {"a": 4, "b": 4}),
        ([("a", "f4"), ("b", "f8")], True, {"a": 8, "b": 8}),
        ([("a", "u1"), ("b", "f4")], False, {"a": 1, "b": 1}),
        ([("a", "u2"), ("b", "f4")], False, {"a": 2, "b": 2}),
    ],
)
def test_no_more_is_assumed_aligned_than_is(
    dtype: Any, aligned: bool, expected: dict[str, int]
) -> None:
    found = record(*dtype, align=aligned)
    leaves = found.leaves()
    assert {one.name: alignment_of(found, one, found.alignment) for one in leaves} == expected


def test_bytes_that_fields_share_are_known() -> None:
    union: Any = {
        "names": ["w", "h", "x"],
        "formats": ["u4", ("u2", 2), "f4"],
        "offsets": [0, 2, 6],
    }
    found = element_of(np.dtype(union))
    assert isinstance(found, Record)
    assert found.overlapping() == {("w",), ("h",)}
    # The two arrays lie in the gaps of each other.
    pair = [("x", "f4"), ("y", "f4")]
    assert record(("p", pair, 3)).overlapping() == frozenset()
    with pytest.raises(UnsupportedKernelError, match="shares its bytes"):
        kernels.low_halves[1, 4](np.zeros(4, kernels.shared_bytes))


# ---------------------------------------------------------------- launches


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_numbers_are_multiplied_on_each_device(dtype: Any, device: str) -> None:
    # Whole numbers, of which every product is exact.
    x = (np.arange(40) + 1j * np.arange(40)[::-1]).astype(dtype)
    y = (np.arange(40) % 7 - 1j).astype(dtype)
    expected = x * y + (2 - 3j)
    with oxide.device(device):
        kernels.multiplied[2, 32](x, y, 2 - 3j)
    assert (y == expected.astype(dtype)).all()


@pytest.mark.parametrize("device", DEVICES)
def test_packed_records_are_changed_where_they_lie(device: str) -> None:
    p = np.zeros(40, kernels.packed)
    p["tag"], p["v"], p["w"] = 7, np.arange(40), 2.5
    by = np.zeros(1, np.dtype([("w", "i4"), ("z", "c16")]))
    by["w"], by["z"] = 3, 4j
    with oxide.device(device):
        kernels.halved[2, 32](p, by[0])
    assert (p["tag"] == np.arange(40)).all()
    assert (p["v"] == 3 * np.arange(40) + 7).all()
    assert (p["w"] == [2.5, 6.5]).all()


@pytest.mark.parametrize("device", DEVICES)
def test_constant_arrays_hold_complex_numbers_and_records(device: str) -> None:
    x = np.arange(8).astype(np.complex64)
    out = np.zeros_like(x)
    with oxide.device(device):
        kernels.turned[1, 8](x, out)
    added = [1, 3, 0.5, 6] * 2
    assert (out == x * np.tile(kernels.TWIDDLES, 2) + np.array(added)).all()


def test_records_stay_on_the_device() -> None:
    d = cuda.to_device(np.ones(40, np.complex64))
    again = cuda.device_array_like(d)
    again.copy_to_device(np.full(40, 2j, np.complex64))
    kernels.multiplied[2, 32](d, again[10:], np.complex64(1))
    assert again.copy_to_host().tolist() == [2j] * 10 + [1 + 2j] * 30
    states = create_xoroshiro128p_states(8, seed=1)
    first = [np.zeros(8, np.float32) for _ in range(2)]
    for out in first:
        kernels.drawn[1, 8](states, out)
    assert not (first[0] == first[1]).any()
    other = create_xoroshiro128p_states(8, seed=1)
    with oxide.device("interpreter"):
        kernels.drawn[1, 8](other, out := np.zeros(8, np.float32))
    assert (out == first[0]).all()


def test_arrays_that_start_anywhere_are_taken_as_they_are_or_copied() -> None:
    raw = np.zeros(8 * 8 + 1, np.uint8)
    askew = raw[1:].view(np.complex64)
    askew[:] = 1
    kernels.multiplied[1, 8](np.full(8, 3, np.complex64), askew, 1j)
    assert (askew == 3 + 1j).all()


def test_races_of_complex_numbers_are_found_while_they_run() -> None:
    x = np.arange(32).astype(np.complex64)
    out = np.zeros_like(x)
    for device in DEVICES:
        with oxide.device(device):
            kernels.reversed_by_block[1, 32](x, out)
        assert (out == x[::-1]).all()
    with (
        oxide.device("sanitizer"),
        pytest.warns(UnprovedKernelWarning, match="OX104"),
        pytest.raises(oxide.KernelRaceError),
    ):
        kernels.unordered[1, 32](x, out)


def test_an_atomic_on_what_is_not_aligned_is_refused() -> None:
    with pytest.raises(UnsupportedKernelError, match="atomic"):
        kernels.counted[1, 1](np.zeros(4, kernels.packed))


# ---------------------------------------------------------------- functions


SIZES = (0.0, -0.0, 1e-12, -1e-12, 0.5, -0.5, 1.0, -1.0, 1.5, -3.0, 40.0, -1e20, 1e200)
ODD = (math.inf, -math.inf, math.nan)
FUNCTIONS = (
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "log",
    "exp",
    "cosh",
    "sinh",
    "tanh",
)


def test_functions_of_complex_numbers_are_those_of_python() -> None:
    """Their cuts, the signs of their zeros, and what they give for infinity."""
    parts = [*itertools.product(SIZES, SIZES), *itertools.product(ODD, (0.0, -0.0, 1.0, *ODD[:2]))]
    z = np.array([complex(x, y) for x, y in parts])
    out = np.zeros((len(FUNCTIONS) + 1, len(z)), complex)
    kernels.of_complex[(len(z) + 63) // 64, 64](z, out)
    within = 4e-15
    for row, name in zip(out, FUNCTIONS, strict=False):
        for found, place in zip(row.tolist(), z.tolist(), strict=True):
            try:
                wanted = getattr(cmath, name)(place)
            except (ValueError, OverflowError):
                continue
            what = f"{name}({place}) is {found}, not {wanted}"
            for one, other in ((found.real, wanted.real), (found.imag, wanted.imag)):
                if math.isnan(other) or math.isinf(other):
                    assert math.isnan(one) if math.isnan(other) else math.isinf(one), what
                    continue
                assert abs(one - other) <= within * max(abs(other), 1e-30), what
                signs = math.copysign(1, one), math.copysign(1, other)
                assert other == 0 or signs[0] == signs[1], what
    finite = np.isfinite(z) & (z != 0)
    logs = [cmath.log(place, 2 - 1j) for place in z[finite].tolist()]
    np.testing.assert_allclose(out[-1][finite], logs, rtol=10 * within, atol=within)


def test_a_size_and_a_direction_are_those_of_python() -> None:
    places = [(0.0, -0.0, 1.0, -1.0, math.pi, -2.5, *ODD)] * 2
    pairs = [(r, phi) for r, phi in itertools.product(*places) if r == 0 or not math.isinf(phi)]
    sizes, angles = (np.array(one) for one in zip(*pairs, strict=True))
    out = np.zeros(len(pairs), complex)
    kernels.of_direction[1, 128](sizes, angles, out)
    wanted = [f"{cmath.rect(*pair):.12g}" for pair in pairs]
    assert [f"{one:.12g}" for one in out.tolist()] == wanted


# ---------------------------------------------------------------- code


def code(kernel: Any, *arguments: Any) -> str:
    kernel.specialize(*arguments)
    return next(reversed(kernel.inspect_asm().values()))


def test_what_is_not_aligned_is_accessed_in_pieces() -> None:
    p = np.zeros(4, kernels.packed)
    by = np.zeros(1, np.dtype([("w", "i4"), ("z", "c16")]))
    text = code(kernels.halved, p, by[0])
    assert "st.global.b64" not in text
    assert "st.global.b32" not in text
    assert "ld.global.b64" not in text
    # The bits of a float are an integer before a part of them is stored: see `lowering.records`.
    assert "mov.b64 {" in text
    assert "mov.b32 {" in text


def test_complex_numbers_are_loaded_through_one_pointer() -> None:
    x = np.zeros(4, np.complex64)
    text = code(kernels.multiplied, x, x.copy(), 1j)
    loads = [line for line in text.splitlines() if "ld.global" in line]
    assert sum("+4]" in line for line in loads) == 2
