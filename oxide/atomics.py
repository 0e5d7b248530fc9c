"""Changes of one element that no other thread can come between.

`scope` says among whom the change is one step, `order` what it orders besides itself. All but
`store` give the element's value of before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from oxide.slices import AtomicTarget, Index, T

Scope: TypeAlias = Literal["block", "device", "cluster", "system"]
Order: TypeAlias = Literal["relaxed", "acquire", "release", "acq_rel"]
LoadOrder: TypeAlias = Literal["relaxed", "acquire"]
StoreOrder: TypeAlias = Literal["relaxed", "release"]


class Atomic:
    """The atomic operations, on `AtomicSlice` and `SharedArray`."""

    def add(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] += value` as one step; the old value."""
        raise OutsideKernelError("atomic.add")

    def sub(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] -= value` as one step; the old value."""
        raise OutsideKernelError("atomic.sub")

    def min(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index]` becomes the smaller of itself and `value`; the old value."""
        raise OutsideKernelError("atomic.min")

    def max(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index]` becomes the larger of itself and `value`; the old value."""
        raise OutsideKernelError("atomic.max")

    def and_(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] &= value` as one step, on integers; the old value."""
        raise OutsideKernelError("atomic.and_")

    def or_(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] |= value` as one step, on integers; the old value."""
        raise OutsideKernelError("atomic.or_")

    def xor(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] ^= value` as one step, on integers; the old value."""
        raise OutsideKernelError("atomic.xor")

    def exchange(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] = value`; the old value."""
        raise OutsideKernelError("atomic.exchange")

    def inc(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """One more, and 0 behind `value` and above, as one step, on u32 and u64; the old value."""
        raise OutsideKernelError("atomic.inc")

    def dec(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """One less, and `value` behind 0 and above it, as one step, on u32, u64; the old value."""
        raise OutsideKernelError("atomic.dec")

    def compare_exchange(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        expected: T,
        value: T,
        *,
        scope: Scope = "device",
        order: Order = "relaxed",
    ) -> T:
        """`target[index] = value` if the element equals `expected`; the old value."""
        raise OutsideKernelError("atomic.compare_exchange")

    def load(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        *,
        scope: Scope = "device",
        order: LoadOrder = "relaxed",
    ) -> T:
        """The element, read whole; it cannot release."""
        raise OutsideKernelError("atomic.load")

    def store(
        self,
        target: AtomicTarget[T, Index],
        index: Index,
        value: T,
        *,
        scope: Scope = "device",
        order: StoreOrder = "relaxed",
    ) -> None:
        """`target[index] = value`, written whole; it cannot acquire."""
        raise OutsideKernelError("atomic.store")

    def __repr__(self) -> str:
        return "oxide.atomic"


atomic = Atomic()
