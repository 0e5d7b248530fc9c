"""A thread's place in its block, its warp, and how many warps there are: sums of registers.

place = (thread.z * block_dim.y + thread.y) * block_dim.x + thread.x     warp = place >> 5
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Register
from oxide_analyzer.launch import WARP

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.lowering.builder import Builder, Value

    Registers = Callable[[Register, int], Value]

_SHIFT = str(WARP.bit_length() - 1)


def place(build: Builder, special: Registers) -> Value:
    """The place of the thread in its block, as i64."""
    x, y, z = (special(Register.THREAD, axis) for axis in range(3))
    width, height = (special(Register.BLOCK_DIM, axis) for axis in range(2))
    row = build.binary("add", build.binary("mul", z, height), y)
    return build.binary("add", build.binary("mul", row, width), x)


def threads(build: Builder, special: Registers) -> Value:
    """How many threads a block has, as i64."""
    width, height, depth = (special(Register.BLOCK_DIM, axis) for axis in range(3))
    return build.binary("mul", build.binary("mul", width, height), depth)


def warp(build: Builder, special: Registers) -> Value:
    """The number of the thread's warp in its block, as i64."""
    return build.binary("lshr", place(build, special), _SHIFT)


def warps(build: Builder, special: Registers) -> Value:
    """How many warps a block has, as i64."""
    count = build.binary("add", threads(build, special), str(WARP - 1))
    return build.binary("lshr", count, _SHIFT)
