"""The interval of integers in which each integer expression of a kernel lies.

First form: by the shape of the expression alone; locals hold anything of their type.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Const, Dim, Register, Special
from oxide_analyzer.launch import MAX_BLOCK, MAX_GRID, MAX_LENGTH

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Expr, Kernel, Local
    from oxide_analyzer.language.types import Scalar


@dataclass(frozen=True, slots=True)
class Interval:
    """Inclusive at both ends."""

    low: int
    high: int

    @property
    def literal(self) -> int | None:
        """The only value there is, if there is one."""
        return self.low if self.low == self.high else None

    def excludes(self, value: int) -> bool:
        """Whether `value` lies outside."""
        return not self.low <= value <= self.high

    def within(self, low: int, high: int) -> bool:
        """Whether all of it lies in another interval."""
        return low <= self.low and self.high <= high


def whole(scalar: Scalar) -> Interval:
    """All values of an integer type, or of bool."""
    return Interval(scalar.min, scalar.max)


@dataclass(frozen=True)
class Ranges:
    """The answer for one kernel."""

    kernel: Kernel
    compact: bool

    def of(self, expr: Expr) -> Interval:
        """The values that an integer or bool expression of the kernel can have."""
        match expr:
            case Const(value=value):
                return Interval(int(value), int(value))
            case Dim():
                return Interval(0, MAX_LENGTH)
            case Special(register=register, axis=axis):
                if register is Register.THREAD:
                    return Interval(0, MAX_BLOCK[axis] - 1)
                if register is Register.BLOCK_DIM:
                    return Interval(1, MAX_BLOCK[axis])
                if register is Register.BLOCK:
                    return Interval(0, MAX_GRID[axis] - 1)
                return Interval(1, MAX_GRID[axis])
            case _:
                return whole(expr.type)

    def local(self, local: Local) -> Interval:
        """All values that an integer or bool local ever holds."""
        return whole(local.type)


def ranges(kernel: Kernel, *, compact: bool) -> Ranges:
    """The intervals of `kernel`; `compact` as in `CheckedKernel`."""
    return Ranges(kernel, compact)
