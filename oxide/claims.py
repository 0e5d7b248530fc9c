"""What an author claims, and Oxide takes for true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from oxide.slices import Slice, Slice2D, Slice3D


def unsafe(reason: str, /) -> AbstractContextManager[None, None]:
    """`with unsafe("why it holds"):` lifts the obligations of what lies inside.

    In a kernel these are accesses and calls; on the host launches, of which facts about the
    elements of arrays are not asked, nor any of the contract where it is `launch_unchecked`.
    """
    from oxide_codegen.vouching import Vouched

    return Vouched(reason)


def injective(array: Slice[int] | Slice2D[int] | Slice3D[int], /) -> bool:
    """In `requires=`: no two elements of `array` are equal when the launch starts."""
    raise OutsideKernelError("injective")


def within(array: Slice[int] | Slice2D[int] | Slice3D[int], low: int, high: int, /) -> bool:
    """In `requires=`: `low <= element < high` for all of `array` when the launch starts."""
    raise OutsideKernelError("within")
