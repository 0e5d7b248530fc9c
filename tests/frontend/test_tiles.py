"""Asynchronous copies and fragments: what they become, what is refused."""

from __future__ import annotations

import pytest

from frontend.reading import body_of, findings, in_kernel, reading
from oxide_analyzer.ir.nodes import AsyncCopy, Declare, MatrixOp, Store
from oxide_analyzer.ir.show import show
from oxide_analyzer.ir.verify import verify
from oxide_analyzer.ir.walk import statements

TILE = "tile = SharedArray(f32, (8, 8))\n"
FRAGMENTS = (
    "h = SharedArray(bf16, (2, 16, 16))\n"
    "l = mma.FragmentA(bf16, 16)\nr = mma.FragmentB(bf16, 16)\ns2 = mma.Accumulator(16, 16)\n"
)


def test_a_copy_is_a_loop_of_loads_and_stores() -> None:
    (kernel,) = reading(in_kernel(TILE + "async_copy(tile, (n, 4), a, n, 4)")).kernels
    assert verify(kernel) == []
    (copy,) = (s for s in statements(kernel.body) if isinstance(s, AsyncCopy))
    assert (copy.source, copy.target, copy.count) == ("a", "tile", 4)
    text = show(kernel)
    assert "check aligned" in text
    assert "load a[(%2 + %3)]" in text
    assert "store tile[%1, (4 + %3)] = %4" in text


def test_one_element_needs_no_loop() -> None:
    (kernel,) = reading(in_kernel(TILE + "async_copy(tile, (0, n), a, n, 1)")).kernels
    assert verify(kernel) == []
    (copy,) = (s for s in statements(kernel.body) if isinstance(s, AsyncCopy))
    assert isinstance(copy.body[-1], Store)


def test_fragments_are_local_arrays_and_operations_have_bodies() -> None:
    text = FRAGMENTS + (
        "mma.load(l, h[n], 0, 0)\nmma.load(r, h[1], 0, 0, transposed=True)\n"
        "mma.multiply_add(s2, l, r)\nmma.store(h[0], 0, 0, s2)"
    )
    (kernel,) = reading(in_kernel(text)).kernels
    assert verify(kernel) == []
    declared = [s.array for s in statements(kernel.body) if isinstance(s, Declare)]
    assert declared == ["l", "r", "s2"]
    operations = [s for s in statements(kernel.body) if isinstance(s, MatrixOp)]
    assert [op.function.value for op in operations] == [
        "load_a",
        "load_b_transposed",
        "multiply_add",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("async_copy(a, 0, a, 0, 4)", "copies go to a `SharedArray`, which `a` is not"),
        ("async_copy(n, 0, a, 0, 4)", "copies go to a `SharedArray`; `n` is no array"),
        (TILE + "async_copy(tile, (0, 0), out, 0, 4)", "copies come from a `Slice`"),
        (TILE + "async_copy(tile, (0, 0), a, 0, 3)", "the count of f32 is a literal 1, 2 or 4"),
        (TILE + "async_copy(tile, (0, 0), a, 0, n)", "the count of f32 is a literal 1, 2 or 4"),
        ("async_copy(SharedArray(bf16, 8), 0, a, 0, 2)", "a copy converts nothing"),
        ("async_wait(n)", "how many groups may be pending is a literal 0, 1, 2"),
        ("mma.FragmentA(f32, 16)", "`f32` is not a type of matrix units; write `bf16` or `f16`"),
        ("mma.FragmentA(bf16, 24)", "`rows` is a literal multiple of 16"),
        ("mma.FragmentB(bf16, n)", "`columns` is a literal multiple of 8"),
        (FRAGMENTS + "mma.load(s2, h[0], 0, 0)", "is not an `mma.FragmentA` or an `mma.FragmentB`"),
        (FRAGMENTS + "mma.load(l, h, 0, 0)", "`h` has 3 dimensions; a matrix has two"),
        (FRAGMENTS + "mma.load(l, tile2, 0, 0)", "tile2"),
        (FRAGMENTS + "mma.load(l, h[0], 0, 0, transposed=True)", "is loaded from rows"),
        (FRAGMENTS + "q = s2[0, 0, 0]", "`s2` is a fragment, whose elements have no names"),
        (FRAGMENTS + "s2[0, 0, 0] = 1.0", "`s2` is a fragment, whose elements have no names"),
        (FRAGMENTS + "mma.multiply_add(s2, r, l)", "`r` is not an `mma.FragmentA`"),
        (
            FRAGMENTS + "mma.multiply_add(s2, l, mma.FragmentB(bf16, 8))",
            "the product is 16 × 8, the accumulator 16 × 16",
        ),
        (
            FRAGMENTS + "mma.multiply_add(s2, l, mma.FragmentB(f16, 16))",
            "`a` holds bf16, `b` holds f16",
        ),
    ],
)
def test_what_is_refused(body: str, message: str) -> None:
    found = findings(in_kernel(body))
    assert any(message in finding for finding in found), found


def test_waits_count_groups() -> None:
    assert body_of("async_commit()\nasync_wait(2)\nasync_wait()") == (
        "async commit  @0\nasync wait 2  @1\nasync wait 0  @2"
    )
