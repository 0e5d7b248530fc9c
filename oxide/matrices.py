"""Products of small matrices, of which the lanes of a warp hold their parts.

A fragment is made once and loaded again and again; `mma.multiply_add` adds a product of two to an
accumulator. All lanes of the warp come to the same call, and the warp is whole: blocks are made of
multiples of 32 threads, none of which has returned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from oxide.slices import Readable, Writable

T = TypeVar("T")


class Mma:
    """Fragments and what a warp does with them; the elements are `bf16` or `f16`."""

    class FragmentA(Generic[T]):
        """`rows` × 16 elements, the left side of a product."""

        def __init__(self, dtype: type[T], rows: int, /) -> None:
            raise OutsideKernelError("mma.FragmentA")

    class FragmentB(Generic[T]):
        """16 × `columns` elements, the right side of a product."""

        def __init__(self, dtype: type[T], columns: int, /) -> None:
            raise OutsideKernelError("mma.FragmentB")

    class Accumulator:
        """`rows` × `columns` f32, which start as zeros."""

        def __init__(self, rows: int, columns: int, /) -> None:
            raise OutsideKernelError("mma.Accumulator")

    def load(
        self,
        fragment: FragmentA[T] | FragmentB[T],
        source: Readable[T, tuple[int, int]],
        row: int,
        col: int,
        /,
        *,
        transposed: bool = False,
    ) -> None:
        """Load a fragment from `source[row, col]` on; `transposed`, B from its transpose."""
        raise OutsideKernelError("mma.load")

    def multiply_add(self, acc: Accumulator, a: FragmentA[T], b: FragmentB[T], /) -> None:
        """`acc += a @ b`."""
        raise OutsideKernelError("mma.multiply_add")

    def fill(self, acc: Accumulator, value: float, /) -> None:
        """Give every element of `acc` one value."""
        raise OutsideKernelError("mma.fill")

    def store(
        self, target: Writable[float, tuple[int, int]], row: int, col: int, acc: Accumulator, /
    ) -> None:
        """Store `acc` from `target[row, col]` on, in the type of the target."""
        raise OutsideKernelError("mma.store")


mma = Mma()
