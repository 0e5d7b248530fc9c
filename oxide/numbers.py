"""Functions of numbers that Python's `math` does not have."""

from __future__ import annotations

from typing import TypeVar

from oxide_codegen.errors import OutsideKernelError

_T = TypeVar("_T", int, float, bool)


def clz(x: int, /) -> int:
    """The zeros above the highest one of an integer; its width if there is none."""
    raise OutsideKernelError("clz")


def popc(x: int, /) -> int:
    """The ones of an integer."""
    raise OutsideKernelError("popc")


def brev(x: int, /) -> int:
    """The bits of an integer in reverse order."""
    raise OutsideKernelError("brev")


def fma(x: float, y: float, z: float, /) -> float:
    """`x * y + z`, rounded once."""
    raise OutsideKernelError("fma")


def rsqrt(x: float, /) -> float:
    """`1 / sqrt(x)`."""
    raise OutsideKernelError("rsqrt")


def select(condition: bool, x: _T, y: _T, /) -> _T:
    """`x if condition else y`, with both sides evaluated: there is no branch."""
    raise OutsideKernelError("select")
