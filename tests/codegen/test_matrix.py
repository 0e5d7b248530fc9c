"""Asynchronous copies and matrix units in PTX: where they are used, and where the body is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from codegen.reading import trusted, unproved
from oxide_codegen import toolchain
from oxide_codegen.ptx import compile_ptx

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.checked import CheckedKernel

TILES = """
@kernel(block={threads})
def k(a: Slice2D[{type}], c: DisjointSlice2D[f32]):
    tile = SharedArray({type}, (2, 32, {width}))
    t = thread.x
    async_copy(tile, (0, t % 32, t // 32 * 8), a, (t % 32, t // 32 * 8), 8)
    async_commit()
    async_wait(1)
    sync_threads()
    left = mma.FragmentA({type}, 32)
    right = mma.FragmentB({type}, 24)
    acc = mma.Accumulator(32, 24)
    mma.load(left, tile[1], 0, 16)
    mma.load(right, tile[0], 0, 8{transposed})
    mma.multiply_add(acc, left, right)
    mma.store(c, 0, 0, acc)
"""
MATRIX = ("ldmatrix", "mma.sync", "cp.async")


def text_of(sm: str, make: Callable[[str], CheckedKernel] = trusted, **changes: str) -> str:
    given = {"threads": "64", "type": "bf16", "width": "40", "transposed": "", **changes}
    return compile_ptx(make(TILES.format(**given)), sm).text


@pytest.mark.parametrize("sm", ["sm_80", "sm_90", "sm_120"])
@pytest.mark.parametrize("type", ["bf16", "f16"])
def test_matrix_units_do_it(sm: str, type: str) -> None:
    text = text_of(sm, type=type)
    # Two groups of 16 rows; three groups of 8 columns, of which two come at once.
    assert text.count("ldmatrix.sync.aligned.m8n8.x4.shared.b16") == 2
    assert text.count("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16") == 1
    assert text.count("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16") == 1
    assert text.count("mma.sync.aligned.m16n8k16") == 6
    assert text.count("cp.async.cg.shared.global") == 1
    assert "shfl" not in text
    # The fragments are registers.
    assert ".local" not in text
    if toolchain.ptxas():
        assert toolchain.registers(text, sm) is not None


def test_what_is_stored_as_columns_is_not_turned() -> None:
    text = text_of("sm_80", transposed=", transposed=True")
    assert ".trans" not in text
    assert text.count("ldmatrix") == 4


def test_where_there_are_none_the_body_is_compiled() -> None:
    text = text_of("sm_75")
    assert not any(word in text for word in MATRIX)
    assert "shfl" in text


def test_a_warp_that_may_lack_lanes_does_the_body() -> None:
    text = text_of("sm_90", threads="48")
    assert "mma.sync" not in text
    assert "ldmatrix" not in text


def test_rows_that_are_no_units_are_loaded_by_elements() -> None:
    text = text_of("sm_90", width="36")
    assert "ldmatrix" not in text
    assert text.count("mma.sync") == 6


def test_what_is_checked_is_done_at_once() -> None:
    text = text_of("sm_90", make=unproved)
    assert "cp.async.cg" not in text
    assert "ldmatrix" not in text
