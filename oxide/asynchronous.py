"""Copies from global to shared memory that a thread does not wait for until it says so.

Until the thread has waited, nobody touches what is copied to, itself included; other threads read
it behind a barrier that follows the wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from oxide.scratch import SharedArray
    from oxide.slices import Readable

T = TypeVar("T")
Index = TypeVar("Index", int, "tuple[int, int]", "tuple[int, int, int]")
Place = TypeVar("Place", int, "tuple[int, int]", "tuple[int, int, int]")


def async_copy(
    target: SharedArray[T, Place],
    target_index: Place,
    source: Readable[T, Index],
    source_index: Index,
    count: int,
    /,
) -> None:
    """Start copying `count` neighbours (4, 8 or 16 bytes, aligned) of a `Slice` to `target`."""
    raise OutsideKernelError("async_copy")


def async_commit() -> None:
    """Make the copies of this thread since its last commit one group."""
    raise OutsideKernelError("async_commit")


def async_wait(pending: int = 0, /) -> None:
    """Wait until at most the last `pending` groups of this thread are under way."""
    raise OutsideKernelError("async_wait")
