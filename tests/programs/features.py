"""What a kernel is made of, for the statistics of random ones."""

from __future__ import annotations

import re
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
    Leave,
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
    every = list(statements(kernel.body))
    barriers = [n for n, s in enumerate(every) if isinstance(s, Barrier)]
    if barriers and any(isinstance(s, Return) for s in every[: barriers[-1]]):
        found.add("return before a barrier")
    if barriers and "warp operation" in found:
        found.add("warp operation beside a barrier")
    return frozenset(found)


_SPOKEN = {
    "struct": re.compile(r"^@struct$", re.MULTILINE),
    "match": re.compile(r"^ +match ", re.MULTILINE),
    "while True": re.compile(r"^ +while True:$", re.MULTILINE),
}


def spoken(source: str) -> frozenset[str]:
    """The features that the text of a kernel has, and its IR has no more."""
    return frozenset(name for name, pattern in _SPOKEN.items() if pattern.search(source))


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
        case Inline(body=body):
            yield "helper"
            inner = list(statements(body))
            if any(isinstance(i, Barrier) for i in inner):
                yield "barrier in helper"
            if any(isinstance(i, Leave) for i in inner):
                yield "early return of a helper"
        case For() | While():
            inner = list(statements((s,)))
            barriers = [i for i in inner if isinstance(i, Barrier)]
            if barriers:
                yield "barrier in loop"
                if any(isinstance(i, While) and _has_atomic(i) for i in inner[1:]):
                    yield "barrier and wait in one loop"
            if any(i.group is Group.GRID for i in barriers):
                yield "grid barrier in loop"
            if any(isinstance(i, Inline) and _has_barrier(i) for i in inner):
                yield "barrier in helper in loop"
            if any(isinstance(i, WarpOp) for i in inner):
                yield "warp operation in loop"
            if isinstance(s, While) and _has_atomic(s):
                yield "loop over an atomic"
        case If(then=then, otherwise=otherwise):
            inside = list(statements((*then, *otherwise)))
            if any(isinstance(i, If) for i in inside):
                yield "nested branches"
            if any(isinstance(i, Inline) and _has_barrier(i) for i in inside):
                yield "barrier in helper in branch"
        case _:
            pass


def _has_atomic(stmt: Stmt) -> bool:
    return any(isinstance(inner, Atomic) for inner in statements((stmt,)))


def _has_barrier(stmt: Stmt) -> bool:
    return any(isinstance(inner, Barrier) for inner in statements((stmt,)))
