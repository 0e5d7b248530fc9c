"""What a kernel is made of, for the statistics of random ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assert,
    Atomic,
    AtomicOp,
    Barrier,
    CheckAligned,
    CheckView,
    Dim,
    Fence,
    For,
    Group,
    If,
    Inline,
    Order,
    Return,
    Space,
    WarpFunction,
    WarpOp,
    While,
)
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Stmt


def features(kernel: Kernel) -> frozenset[str]:
    """The features of a kernel, each once."""
    found = {word for s in statements(kernel.body) for word in _of(s)}
    for array in kernel.arrays.values():
        if array.rank == 3:
            found.add("three dimensions")
        if array.space is Space.SHARED:
            found.add("dynamic shared" if isinstance(array.shape[0], Dim) else "shared memory")
        if array.element.is_integer and array.element.bits < 32:
            found.add("small integers")
    found.update(f"data: {fact.property.value}" for fact in kernel.contract.data)
    return frozenset(found)


def _of(s: Stmt) -> Iterator[str]:
    match s:
        case WarpOp(function=function, mask=mask):
            yield "sync_warp" if function is WarpFunction.SYNC else "warp operation"
            if mask is not None:
                yield "mask"
        case Atomic(op=op, order=order, scope=scope):
            yield f"atomic {'add' if op is AtomicOp.ADD else 'other'}"
            if order is not Order.RELAXED:
                yield "atomic order"
            yield f"atomic scope {scope}"
        case Fence():
            yield "fence"
        case Barrier(group=group):
            yield "grid barrier" if group is Group.GRID else "barrier"
        case CheckView():
            yield "view"
        case CheckAligned():
            yield "wide access"
        case Assert():
            yield "assertion"
        case Return():
            yield "return"
        case Inline():
            yield "helper"
        case For() | While():
            inner = list(statements((s,)))
            if any(isinstance(i, Barrier) for i in inner):
                yield "barrier in loop"
            if any(isinstance(i, WarpOp) for i in inner):
                yield "warp operation in loop"
            if isinstance(s, While) and any(isinstance(i, Atomic) for i in inner):
                yield "loop over an atomic"
        case If(then=then, otherwise=otherwise):
            if any(isinstance(i, If) for i in statements((*then, *otherwise))):
                yield "nested branches"
        case _:
            pass
