"""Changes of one element that no other thread can come between."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, overload

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from oxide.scratch import SharedArray
    from oxide.slices import AtomicSlice, AtomicSlice2D, T

Scope: TypeAlias = Literal["block", "device", "cluster", "system"]
Order: TypeAlias = Literal["relaxed", "acquire", "release", "acq_rel"]


class Atomic:
    """The atomic operations, on `AtomicSlice` and `SharedArray`."""

    @overload
    def add(
        self,
        target: AtomicSlice[T] | SharedArray[T],
        index: int,
        value: T,
        /,
        *,
        scope: Scope = ...,
        order: Order = ...,
    ) -> T: ...

    @overload
    def add(
        self,
        target: AtomicSlice2D[T] | SharedArray[T, tuple[int, int]],
        index: tuple[int, int],
        value: T,
        /,
        *,
        scope: Scope = ...,
        order: Order = ...,
    ) -> T: ...

    def add(
        self,
        target: object,
        index: object,
        value: object,
        /,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> object:
        """`target[index] += value` as one step; the old value."""
        raise OutsideKernelError("atomic.add")

    def __repr__(self) -> str:
        return "oxide.atomic"


atomic = Atomic()
